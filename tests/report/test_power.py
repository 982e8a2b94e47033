import io

from rich.console import Console

from cogito_pl.report.power import power_rows, power_table
from tests.experiments.ablation.results import result


def test_every_arm_has_its_deviation_and_all_of_them_theirs():
    rows = power_rows({"a": [0.01, 0.03], "b": [0.05], "c": [-0.01, 0.01, 0.0]})
    assert rows[0][:4] == ["a", "2", "+2.00", "1.41"]
    assert rows[1] == ["b", "1", "+5.00", "-", "-", "-", "-"]
    assert rows[2][3:] == ["1.00", "3.26", "1.68", "1.16"]
    assert rows[3] == ["all arms", "", "", "1.15", "3.77", "1.94", "1.33"]
    assert power_rows({}) == []


def test_the_table_has_the_area_where_there_is_one():
    own = result()
    console = Console(file=io.StringIO(), width=100)
    console.print(power_table(own))
    text = console.file.getvalue()
    assert "better" in text
    assert "accuracy at the end" in text
    assert "area under" not in text
    for seed, area in (("1", 0.02), ("2", 0.04)):
        own["arms"]["better"]["seeds"][seed]["difference"]["area"] = area
    console.print(power_table(own))
    assert "area under the learning curve" in console.file.getvalue()
    assert "+3.00" in console.file.getvalue()
