import hashlib
import re
from collections import Counter
from itertools import pairwise

import pytest

from cogito_pl.playground.drawing import CELL, INK
from cogito_pl.playground.families import FAMILIES, draft_problem, make_problem
from cogito_pl.playground.lessons import SHARES, make_lesson
from cogito_pl.playground.scene import DIFFICULTIES, Scene

KEYS = [(family, difficulty) for family in FAMILIES for difficulty in DIFFICULTIES]
SEEDS = range(60)


def digest(problem) -> str:
    parts = [problem.question.encode(), problem.answer.encode(), *(image.tobytes() for image in problem.images)]
    return hashlib.sha256(b"\n".join(parts)).hexdigest()[:12]


@pytest.mark.parametrize(
    ("family", "difficulty", "expected"),
    [
        ("count", 1, "8d149b856288"),
        ("sum", 4, "4b9bf5456244"),
        ("compare", 5, "19580d1ca4e8"),
        ("locate", 3, "42d9c99bee5c"),
        ("arithmetic", 5, "c509112f74ba"),
    ],
)
def test_a_problem_is_a_pure_function_of_its_key(family, difficulty, expected):
    assert digest(make_problem(family, difficulty, 7)) == expected


def matching(scene: Scene, words: str) -> int:
    """Counts by words of its own: `red ones`, `circles`, `red circles`, `red`, in the things written out."""
    wanted = [word.removesuffix("s") for word in words.split() if word != "ones"]
    return sum(set(wanted) <= set(str(thing).split()) for thing in scene.things if thing)


def solved(question: str, scene: Scene | None) -> str:
    if scene is None:
        return str(eval(question.removesuffix("=")))
    if found := re.fullmatch(r"How many (.+)\?", question):
        return str(sum(matching(scene, words) for words in found[1].split(" plus ")))
    if found := re.fullmatch(r"More (.+) or (.+)\? A\. (.+) B\. (.+) C\. same", question):
        assert found[1] == found[3]
        assert found[2] == found[4]
        first, second = matching(scene, found[1]), matching(scene, found[2])
        return "A" if first > second else "B" if first < second else "C"
    table = {(i // scene.columns, i % scene.columns): str(thing) for i, thing in enumerate(scene.things)}
    name = {place: f"{'abcd'[place[0]]}{place[1] + 1}" for place in table}
    if found := re.fullmatch(r"Where is the (.+)\?", question):
        (place,) = [place for place, thing in table.items() if thing == found[1]]
        return name[place]
    found = re.fullmatch(r"What is (left of|right of|above|below) the (.+)\?", question)
    ((row, column),) = [place for place, thing in table.items() if thing == found[2]]
    down, right = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}[found[1]]
    return table[row + down, column + right]


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_the_answer_and_both_solutions_agree_with_the_scene(family, difficulty):
    for seed in SEEDS:
        draft = draft_problem(family, difficulty, seed)
        assert draft.answer == solved(draft.question, draft.scene)
        assert draft.careful.endswith(f" so {draft.answer}")
        assert draft.hasty == f"looks like {draft.answer}"


@pytest.mark.parametrize("family", ["count", "sum", "compare"])
def test_a_scan_names_every_cell_in_order(family):
    draft = draft_problem(family, 5, 3)
    assert re.findall(r"\b[a-d][1-4]\b", draft.careful) == [f"{row}{column}" for row in "abcd" for column in "1234"]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_running_totals_add_up_and_stay_above_zero(difficulty):
    for seed in SEEDS:
        start, *moves = draft_problem("arithmetic", difficulty, seed).steps.split()
        total = int(start)
        for move, shown in zip(moves[::2], moves[1::2], strict=True):
            total += int(move)
            assert total == int(shown) >= 0


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_no_answer_is_much_more_frequent_than_the_others(family, difficulty):
    answers = Counter(draft_problem(family, difficulty, seed).answer for seed in range(400))
    # A guesser gains nothing: the commonest answer stays near an even share.
    assert max(answers.values()) / 400 < 1.6 / len(answers) + 0.03


def test_difficulty_makes_the_careful_way_longer():
    for family in FAMILIES:
        lengths = [sum(len(draft_problem(family, d, seed).careful) for seed in range(50)) for d in DIFFICULTIES]
        assert lengths == sorted(lengths)


def test_pictures_come_in_several_sizes_of_whole_cells():
    sizes = {make_problem("count", difficulty, seed).images[0].size for difficulty in DIFFICULTIES for seed in range(9)}
    assert len(sizes) >= 6
    assert any(width != height for width, height in sizes)
    assert all(width % CELL == height % CELL == 0 for width, height in sizes)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_tile_shows_the_ink_of_its_thing_and_no_other(difficulty):
    for seed in range(5):
        scene = draft_problem("count", difficulty, seed).scene
        picture = make_problem("count", difficulty, seed).images[0]
        for index, thing in enumerate(scene.things):
            left, top = CELL * (index % scene.columns), CELL * (index // scene.columns)
            tile = picture.crop((left, top, left + CELL, top + CELL))
            pixels = Counter(colour for _, colour in tile.getcolors(CELL**2) if colour in INK.values())
            assert list(pixels) == ([] if thing is None else [INK[thing.colour]])


def test_every_shape_has_an_outline_of_its_own():
    outlines = {}
    for seed in range(300):
        scene, picture = draft_problem("count", 5, seed).scene, make_problem("count", 5, seed).images[0]
        for index, thing in enumerate(scene.things):
            if thing is not None:
                left, top = CELL * (index % 4), CELL * (index // 4)
                tile = picture.crop((left, top, left + CELL, top + CELL))
                filled = sum(number for number, colour in tile.getcolors(CELL**2) if colour == INK[thing.colour])
                outlines.setdefault(thing.shape, []).append(filled)
    means = sorted(sum(values) / len(values) for values in outlines.values())
    assert len(means) == 5
    assert all(larger - smaller > 5 for smaller, larger in pairwise(means))


def test_an_unknown_family_or_difficulty_is_refused_by_name():
    with pytest.raises(ValueError, match="'guess' is unknown; it is one of count"):
        make_problem("guess", 1, 0)
    with pytest.raises(ValueError, match="difficulty 6"):
        make_problem("count", 6, 0)
    with pytest.raises(ValueError, match="no lesson 'guess'"):
        make_lesson("guess", 1, 0)


def test_lessons_are_pure_and_teach_the_careful_way_without_tags():
    for task in SHARES:
        lesson = make_lesson(task, 3, 11)
        assert lesson == make_lesson(task, 3, 11)
        assert "<" not in lesson.solution
        if task in FAMILIES:
            assert lesson.solution == make_problem(task, 3, 11).careful
    assert sum(SHARES.values()) == pytest.approx(1)


def test_captions_and_cell_lessons_tell_what_is_there():
    for seed in range(20):
        caption = make_lesson("caption", 5, seed).solution
        assert len(re.findall(r"[a-d][1-4] (?:empty|[a-z]+ [a-z]+)", caption)) == 16
        cell = make_lesson("cell", 2, seed)
        assert re.fullmatch(r"What is at [a-d][1-4]\?", cell.question)
        assert cell.answer == cell.solution
