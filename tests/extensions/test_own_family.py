"""A family of one's own: images before the text, wherever the question has them, and a white dummy image."""

import torch
from jsonargparse import ArgumentParser

from cogito_pl.policy import Policy, PolicyConfig, Qwen2_5VL
from tests.conftest import problem


class ImagesFirst(Qwen2_5VL):
    """Qwen2.5-VL with all images before the text.

    Args:
        dummy_value: What the dummy image of ranks without images is filled with.
    """

    def __init__(self, dummy_value: float = 0.0) -> None:
        self.dummy_value = dummy_value

    def messages(self, question, **texts):
        return super().messages("<image>" * question.count("<image>") + question.replace("<image>", "it"), **texts)

    def dummy_image(self, model, processor):
        fields = super().dummy_image(model, processor)
        return fields | {"pixel_values": fields["pixel_values"] + self.dummy_value}


def test_a_policy_uses_the_family_that_its_class_path_names(tiny_folder):
    parser = ArgumentParser()
    parser.add_argument("--policy", type=PolicyConfig)
    family = {"class_path": f"{__name__}.ImagesFirst", "init_args": {"dummy_value": 1.0}}
    settings = parser.parse_object({"policy": {"name": str(tiny_folder), "family": family}})
    policy = Policy(parser.instantiate(settings).policy)
    asked = problem("Is <image> larger than <image> ?", (28, 28), (56, 28))
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    assert f"{image}{image}Is it larger than it ?" in policy.encoder.text(asked)
    ids = torch.tensor([[9, 10]])
    assert policy.log_probs([policy.encode(asked)], ids, ids > 0).values.isfinite().all()
    assert policy.features.dummies(1) == 0
