import json

import pytest

from cogito_pl.data.reading.folders import open_table
from cogito_pl.experiments.ablation import sources as module
from cogito_pl.experiments.ablation.sources import check_sources
from cogito_pl.experiments.phases import SettingsError


@pytest.fixture
def source(tmp_path):
    """A source of JSON Lines with columns of its own, as in a complete configuration."""
    file = tmp_path / "charts.jsonl"
    file.write_text(json.dumps({"ask": "2 + 3?", "gold": "5", "topic": "sums"}) + "\n")
    names = dict.fromkeys(("images", "kind", "choices", "solution", "id"))
    return {
        "path": str(file),
        "columns": {"question": "ask", "answer": "gold", **names},
        "kind": "number",
        "sampling": {},
    }


def test_any_further_column_and_what_every_row_has_can_be_named(source):
    assert check_sources([source], ["topic", "kind", "source"]) is None  # it raises for what cannot be
    assert check_sources([source]) is None


@pytest.mark.parametrize("name", ["family", "ask"])
def test_another_column_is_refused_with_those_that_there_are(source, name):
    with pytest.raises(SettingsError, match=f"--by {name}: the source charts .*choose one of kind, source, topic"):
        check_sources([source], [name])


def test_a_source_that_cannot_be_opened_is_refused(source):
    with pytest.raises(SettingsError, match=r"none\.jsonl does not exist"):
        check_sources([source | {"path": "none.jsonl"}])


def test_a_source_that_several_arms_share_is_opened_once(source, monkeypatch):
    opened = []

    def note(own):
        opened.append(own.limit)
        return open_table(own)

    monkeypatch.setattr(module, "open_table", note)
    check_sources([source, dict(source), source | {"limit": 1}, source])
    assert opened == [None, 1]
