"""What data files tell about test problems: repeats of training problems, and a blind guess."""

import io

from datasets import Dataset
from PIL import Image

from cogito_pl.playground.parts import PartSpec
from cogito_pl.playground.write import FEATURES, write_part
from cogito_pl.quickstart.problems import blind_verdicts, seen_in_training


def png(size):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, format="PNG")
    return {"bytes": buffer.getvalue(), "path": "a.png"}


def write_problems(file, problems):
    """Problems of (id, family, difficulty, image size, answer)."""
    rows = [
        {"id": name, "question": "?", "answer": answer, "kind": "text", "choices": [], "images": [png(size)],
         "solution": "", "family": family, "difficulty": difficulty, "seed": 0}
        for name, family, difficulty, size, answer in problems
    ]  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(rows, features=FEATURES).to_parquet(file)


def test_a_blind_guess_is_the_most_common_answer_of_the_same_family_difficulty_and_size(tmp_path):
    small, large = (28, 28), (56, 28)
    train = [("1", "count", 1, small, "3"), ("2", "count", 1, small, "3"), ("3", "count", 1, small, "5")]
    train += [("4", "count", 1, large, "5"), ("5", "count", 2, small, "5"), ("6", "sum", 1, small, "5")]
    test = [("a", "count", 1, small, "3"), ("b", "count", 1, small, "5"), ("c", "count", 1, large, "5")]
    test += [("d", "count", 3, small, "5")]
    write_problems(tmp_path / "train.parquet", train)
    write_problems(tmp_path / "test.parquet", test)
    verdicts = blind_verdicts(tmp_path / "train.parquet", tmp_path / "test.parquet")
    assert verdicts == {"a": "right", "b": "wrong", "c": "right", "d": "wrong"}


def test_a_test_problem_that_was_trained_on_is_noticed(tmp_path):
    sums = {"families": ["arithmetic"], "difficulties": [1], "seed": 1}
    for part, count in (("sft", 3), ("train", 3), ("test", 20)):
        spec = PartSpec(part=part, **sums)
        write_part(tmp_path, spec, (spec.row(index) for index in range(count)))
    assert seen_in_training(tmp_path) == set()
    # The playground keeps them apart, so a test row is written as a training row.
    spec = PartSpec(part="test", **sums)
    write_part(tmp_path, PartSpec(part="train", **sums), [spec.row(0)])
    same = {row.id for row in map(spec.row, range(20)) if row.question == spec.row(0).question}
    assert seen_in_training(tmp_path) == same
