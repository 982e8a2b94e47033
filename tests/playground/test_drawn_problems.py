import hashlib
import re
from collections import Counter
from itertools import pairwise

import pytest

from cogito_pl.playground.drawing import CELL, INK, PRINT
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
        ("chart", 4, "09b3ae0935fd"),
        ("table", 5, "684c9d9aff0e"),
        ("differ", 2, "8fa9f3621505"),
        ("arithmetic", 5, "74a30f11c49d"),
    ],
)
def test_a_problem_is_a_pure_function_of_its_key(family, difficulty, expected):
    assert digest(make_problem(family, difficulty, 7)) == expected


def matching(scene: Scene, words: str) -> int:
    """Counts by words of its own: `red ones`, `circles`, `red circles`, `red`, in the things written out."""
    wanted = [word.removesuffix("s") for word in words.split() if word != "ones"]
    return sum(set(wanted) <= set(str(thing).split()) for thing in scene.things if thing)


def solved(question: str, scenes: tuple[Scene, ...]) -> str:
    """The answer by other means than the family's own: from the words of the question and the written-out things."""
    if not scenes:
        return str(eval(question.removesuffix("=")))
    if len(scenes) == 2:
        return solved_pair(question, *scenes)
    (scene,) = scenes
    if "bar" in question:
        return solved_chart(question, scene)
    if "column" in question or "row" in question:
        return solved_table(question, scene)
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


def solved_chart(question: str, scene: Scene) -> str:
    heights = Counter(str(thing) for thing in scene.things if thing)
    if found := re.fullmatch(r"Which bar is the (tallest|shortest)\?", question):
        extreme = (max if found[1] == "tallest" else min)(heights.values())
        (colour,) = [colour for colour, height in heights.items() if height == extreme]
        return colour
    if found := re.fullmatch(r"How tall is the (\w+) bar\?", question):
        return str(heights[found[1]])
    if found := re.fullmatch(r"How tall are the (\w+) and the (\w+) bar together\?", question):
        return str(heights[found[1]] + heights[found[2]])
    found = re.fullmatch(r"How much taller is the (\w+) bar than the (\w+) bar\?", question)
    return str(heights[found[1]] - heights[found[2]])


def solved_table(question: str, scene: Scene) -> str:
    cells = [str(thing) for thing in scene.things]
    rows = [cells[start : start + scene.columns] for start in range(0, len(cells), scene.columns)]
    if found := re.fullmatch(r"What does column (\d) add up to\?", question):
        return str(sum(int(row[int(found[1]) - 1]) for row in rows))
    colour = re.search(r"the (\w+) row", question)[1]
    (row,) = [row for row in rows if row[0] == f"{colour} circle"]
    if found := re.search(r"column (\d)", question):
        return row[int(found[1]) - 1]
    return str(sum(map(int, row[1:])))


def solved_pair(question: str, before: Scene, after: Scene) -> str:
    changed = [i for i, (old, new) in enumerate(zip(before.things, after.things, strict=True)) if old != new]
    if question == "Which cell changed?":
        (place,) = changed
        return f"{'abcd'[place // before.columns]}{place % before.columns + 1}"
    if question == "How many cells changed?":
        return str(len(changed))
    words = re.fullmatch(r"How many more (.+) are in the second picture\?", question)[1]
    return str(matching(after, words) - matching(before, words))


@pytest.mark.parametrize(("family", "difficulty"), KEYS)
def test_the_answer_and_both_solutions_agree_with_the_scene(family, difficulty):
    for seed in SEEDS:
        draft = draft_problem(family, difficulty, seed)
        assert draft.answer == solved(draft.question, draft.scenes)
        assert draft.worked_out == f"{draft.steps} so {draft.answer}"


@pytest.mark.parametrize("family", ["count", "sum", "compare"])
def test_a_scan_names_every_cell_in_order(family):
    draft = draft_problem(family, 5, 3)
    assert re.findall(r"\b[a-d][1-4]\b", draft.steps) == [f"{row}{column}" for row in "abcd" for column in "1234"]


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
    # A blind guess gains nothing: the most common answer stays near an even share.
    assert max(answers.values()) / 400 < 1.6 / len(answers) + 0.03


def test_difficulty_makes_the_careful_way_longer():
    for family in FAMILIES.keys() - {"differ"}:  # it has three questions, the hardest of which are answered sooner
        lengths = [sum(len(draft_problem(family, d, seed).steps) for seed in range(50)) for d in DIFFICULTIES]
        assert lengths == sorted(lengths)


def test_images_come_in_several_sizes_of_whole_cells():
    sizes = {make_problem("count", difficulty, seed).images[0].size for difficulty in DIFFICULTIES for seed in range(9)}
    assert len(sizes) >= 6
    assert any(width != height for width, height in sizes)
    assert all(width % CELL == height % CELL == 0 for width, height in sizes)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_tile_shows_the_ink_of_its_thing_and_no_other(difficulty):
    for seed in range(5):
        (scene,) = draft_problem("count", difficulty, seed).scenes
        image = make_problem("count", difficulty, seed).images[0]
        for index, thing in enumerate(scene.things):
            left, top = CELL * (index % scene.columns), CELL * (index // scene.columns)
            tile = image.crop((left, top, left + CELL, top + CELL))
            pixels = Counter(colour for _, colour in tile.getcolors(CELL**2) if colour in INK.values())
            assert list(pixels) == ([] if thing is None else [INK[thing.colour]])


def test_a_bar_is_a_stack_of_one_colour_that_stands_on_the_floor():
    for seed in range(20):
        (scene,) = draft_problem("chart", 5, seed).scenes
        for column in range(scene.columns):
            bar = [scene.things[row * scene.columns + column] for row in range(scene.rows)]
            height = sum(cell is not None for cell in bar)
            assert height >= 1
            assert bar[scene.rows - height :] == [bar[-1]] * height


def test_a_running_count_climbs_a_bar_cell_by_cell():
    draft = draft_problem("chart", 2, 0)
    climbed = re.findall(r"([a-d][1-4]) (\w+) (\d)", draft.steps)
    answer = int(draft.answer)
    assert [int(count) for *_, count in climbed][:answer] == list(range(1, answer + 1))
    assert len({name[1] for name, *_ in climbed}) == 1


def test_two_images_are_of_one_size_and_their_prints_differ_in_colour():
    for difficulty in DIFFICULTIES:
        first, second = make_problem("differ", difficulty, 1).images
        assert first.size == second.size
        assert PRINT in {colour for _, colour in first.getcolors(10_000)}
        assert PRINT not in {colour for _, colour in second.getcolors(10_000)}


def test_every_digit_looks_different():
    drawn = {}
    for seed in range(40):
        (scene,), (image,) = draft_problem("table", 5, seed).scenes, make_problem("table", 5, seed).images
        for index, thing in enumerate(scene.things):
            if index % 4:
                left, top = CELL * (index % 4), CELL * (index // 4)
                tile = image.crop((left, top, left + CELL, top + CELL)).crop((9, 8, CELL - 1, CELL - 1))
                drawn.setdefault(tile.tobytes(), set()).add(str(thing))
    assert {digit for digits in drawn.values() for digit in digits} == set("0123456789")
    assert all(len(digits) == 1 for digits in drawn.values())


def test_every_shape_has_an_outline_of_its_own():
    outlines = {}
    for seed in range(300):
        (scene,), image = draft_problem("count", 5, seed).scenes, make_problem("count", 5, seed).images[0]
        for index, thing in enumerate(scene.things):
            if thing is not None:
                left, top = CELL * (index % 4), CELL * (index // 4)
                tile = image.crop((left, top, left + CELL, top + CELL))
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
            assert lesson.solution == draft_problem(task, 3, 11).worked_out
    assert sum(SHARES.values()) == pytest.approx(1)


def test_captions_and_cell_lessons_tell_what_is_there():
    for seed in range(20):
        caption = make_lesson("caption", 5, seed).solution
        assert len(re.findall(r"[a-d][1-4] (?:empty|[0-9]|[a-z]+(?: [a-z]+(?![0-9]))?)", caption)) == 16
        cell = make_lesson("cell", 2, seed)
        assert re.fullmatch(r"What is at [a-d][1-4]\?", cell.question)
        assert cell.answer == cell.solution
