"""A table of cases by kind and rule: each is correct ("right"), wrong or unparsed."""

from pathlib import Path

import pytest

from cogito_pl.rewards import grade

TABLE = Path(__file__).parent / "table.txt"


def cases() -> list[tuple[str, str, str, str, str, tuple[str, ...]]]:
    """Kind, rule, verdict, response, gold and options of each line."""
    rows, kind, rule, choices = [], "", "", ()
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in line.removeprefix("==").split("¦")]
        if line.startswith("=="):
            kind, rule, *listed = fields
            choices = tuple(option.strip() for option in listed[0].split(";")) if listed else ()
        elif line and not line.startswith("#"):
            rows.append((kind, rule, fields[0], fields[1].replace("⏎", "\n"), fields[2], choices))
    return rows


CASES = cases()


@pytest.mark.parametrize(("kind", "rule", "verdict", "response", "gold", "choices"), CASES)
def test_a_case_of_the_table_is_graded_as_it_says(kind, rule, verdict, response, gold, choices):
    result = grade(response, gold, kind, choices)
    assert result.verdict == verdict, (rule, result)


def test_the_table_is_large_and_every_line_of_it_is_read():
    assert len(CASES) > 250
    assert {verdict for _, _, verdict, *_ in CASES} == {"right", "wrong", "unparsed"}
    assert {kind for kind, *_ in CASES} == {"math", "number", "choice", "text", "chart"}
