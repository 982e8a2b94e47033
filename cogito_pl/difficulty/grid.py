"""Where the visual tokens of an image lie. Knows the image processors that cut a scaled image into square tokens."""

from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from cogito_pl.policy import PromptEncoder
from cogito_pl.policy.processing import fit_aspect


def token_grid(image: Image.Image, encoder: PromptEncoder, cell: int | None = None) -> tuple[Image.Image, int]:
    """The image as the processor will scale it, so that it scales no further, and the side of a token in pixels.

    Args:
        image: A RGB image.
        encoder: Whose processor.
        cell: Take cells of this side instead of tokens.

    Raises:
        ValueError: The processor does not cut images into square tokens, and no `cell` is given.
    """
    processor = encoder.processor.image_processor
    patch, merge = getattr(processor, "patch_size", None), getattr(processor, "merge_size", None)
    if not (isinstance(patch, int) and isinstance(merge, int)):
        if cell is None:
            raise ValueError(
                f"{type(processor).__name__} does not say how large its visual tokens are; set scorer.patch in pixels"
            )
        return image, cell
    image = fit_aspect(image)
    least, most = processor.size["shortest_edge"], processor.size["longest_edge"]
    height, width = smart_resize(image.height, image.width, patch * merge, least, most)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling(processor.resample))
    return image, cell or patch * merge
