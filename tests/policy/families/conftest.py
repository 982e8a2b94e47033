"""Tiny models of every tested architecture, made once."""

import pytest

from tests.policy.families import tiny_models


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """The folder of a tiny model by `model_type`, made when it is first asked for."""
    made = {}

    def folder(model_type):
        if model_type not in made:
            save = getattr(tiny_models, f"save_{model_type}")
            made[model_type] = save(tmp_path_factory.mktemp(model_type))
        return made[model_type]

    return folder
