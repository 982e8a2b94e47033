"""VL-Cogito's data filter: its scores are of what the recipe trains, and its overlay finds them."""

import yaml

from cogito_pl.difficulty import PassRate
from tests.conftest import ROOT


def read(name):
    return yaml.safe_load((ROOT / "configs" / name).read_text())


def test_the_filter_is_scored_with_the_recipe_s_model_prompt_images_and_grading_and_found_by_its_overlay():
    recipe, scoring = read("vl_cogito.yaml"), read("score/qwen2_5_vl_pass_rate.yaml")
    trained, scored = recipe["model"]["init_args"], scoring["model"]["init_args"]
    for name in ("name", "system_prompt", "instruction", "min_pixels", "max_pixels", "init_from"):
        assert scored["policy"].get(name) == trained["policy"].get(name), name
    for name in ("variant", "grading", "boxes", "verifiers"):
        assert scored.get("reward", {}).get(name) == trained["reward"].get(name), name
    assert scoring["data"]["predict"] == recipe["data"]["train"]
    assert scored["scorer"] == {"class_path": "cogito_pl.difficulty.PassRate"}
    assert PassRate().settings() == {"repeats": 8, "keep_at_most": 0.5}
    (writer,) = scoring["trainer"]["callbacks"]
    subset = read("with/vl_cogito/at_most_half.yaml")["data"]["subset"]
    assert subset == {"keep": True, "file": writer["init_args"]["path"].replace("data.predict.0", "data.train.0")}
