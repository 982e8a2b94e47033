"""Where the visual tokens of an image lie."""

from PIL import Image

from cogito_pl.policy import PromptEncoder


def token_grid(image: Image.Image, encoder: PromptEncoder, cell: int | None = None) -> tuple[Image.Image, int]:
    """The image as the processor will scale it, so that it scales no further, and the side of a token in pixels.

    Args:
        image: A RGB image.
        encoder: Its family says how an image is scaled.
        cell: Take cells of this side instead of tokens.

    Raises:
        ValueError: The model's family does not cut images into square tokens, and no `cell` is given.
    """
    scaled, side = encoder.family.scale_image(encoder.processor, image)
    if side is None and cell is None:
        raise ValueError(
            f"the family {encoder.family.name} does not say how large its visual tokens are; set scorer.patch in pixels"
        )
    return scaled, cell or side
