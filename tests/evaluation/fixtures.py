"""Small copies of the benchmarks in the Hub's layout: the same splits, configurations, column names and types."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from datasets import Dataset, Features, Image, Value
from datasets import Sequence as Several
from PIL import Image as Pillow

TEXT, INT, FLOAT = Value("string"), Value("int64"), Value("float64")
IMAGE = Image()


def picture(seed: int = 0) -> Pillow.Image:
    """An image of one colour, 36 x 28."""
    return Pillow.new("RGB", (36, 28), (40 * seed % 256, 90, 200 - 20 * seed % 200))


def write(
    folder: Path, features: Mapping[str, Any], parts: Mapping[tuple[str | None, str], Sequence[Mapping[str, Any]]]
) -> None:
    """Writes Parquet files and the card that names them, as the Hub has them.

    Args:
        folder: The data set.
        features: Types by column, the same in every part.
        parts: Rows by configuration and split; None for the default configuration.
    """
    configs: dict[str, list] = {}
    for (subset, split), rows in parts.items():
        name = f"{subset or 'data'}/{split}-00000-of-00001.parquet"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        filled = [{column: row.get(column) for column in features} for row in rows]
        Dataset.from_list(filled, features=Features(dict(features))).to_parquet(folder / name)
        configs.setdefault(subset or "default", []).append({"split": split, "path": name})
    card = {"configs": [{"config_name": name, "data_files": files} for name, files in configs.items()]}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")


def geometry3k(root: Path) -> None:
    features = {"images": Several(IMAGE), "problem": TEXT, "answer": TEXT, "id": INT, "choices": Several(TEXT),
                "ground_truth": TEXT}  # fmt: skip
    rows = [
        {"images": [picture(n)], "problem": "<image>Find x.", "answer": answer, "id": n, "choices": ["1", answer],
         "ground_truth": "B"}
        for n, answer in enumerate((r"2\sqrt{3}", "35"))
    ]  # fmt: skip
    write(root / "hiyouga/geometry3k", features, {(None, "test"): rows, (None, "train"): rows[:1]})


VERSIONS = ("Text Dominant", "Text Lite", "Vision Intensive", "Vision Dominant", "Vision Only")


def mathverse(root: Path) -> None:
    about = {"split": TEXT, "source": TEXT, "subject": TEXT, "subfield": TEXT}
    features = {"sample_index": TEXT, "problem_index": TEXT, "problem_version": TEXT, "question": TEXT, "image": IMAGE,
                "answer": TEXT, "question_type": TEXT, "metadata": about, "query_wo": TEXT, "query_cot": TEXT,
                "question_for_eval": TEXT}  # fmt: skip
    hints = {
        "multi-choice": "provide the correct option letter, e.g., A, B, C, D, at the end.",
        "free-form": "provide the final value, e.g., 1, 2.5, 300, at the end.",
    }
    rows = []
    for problem, (kind, asked, answer) in enumerate(
        (
            ("multi-choice", "How large is it?\nChoices:\nA:10°\nB:20°\nC:30°\nD:40°", "C"),
            ("free-form", "What is its bearing?", "35掳"),
        ),
        start=1,
    ):
        for version in VERSIONS:
            question = "" if version == "Vision Only" else asked
            lead = f"Please first conduct reasoning, and then answer the question and {hints[kind]}"
            rows.append({
                "sample_index": str(len(rows) + 1), "problem_index": str(problem), "problem_version": version,
                "question": question, "image": picture(problem), "answer": answer, "question_type": kind,
                "metadata": {"split": "testmini", "source": "made", "subject": "Plane Geometry", "subfield": "Angle"},
                "query_wo": "", "query_cot": f"{lead}\nQuestion: {question}", "question_for_eval": asked,
            })  # fmt: skip
    write(root / "AI4Math/MathVerse", features, {("testmini", "testmini"): rows})


def mathvista(root: Path) -> None:
    about = {"category": TEXT, "context": TEXT, "grade": TEXT, "img_height": INT, "img_width": INT, "language": TEXT,
             "skills": Several(TEXT), "source": TEXT, "split": TEXT, "task": TEXT}  # fmt: skip
    features = {"pid": TEXT, "question": TEXT, "image": TEXT, "decoded_image": IMAGE, "choices": Several(TEXT),
                "unit": TEXT, "precision": FLOAT, "answer": TEXT, "question_type": TEXT, "answer_type": TEXT,
                "metadata": about, "query": TEXT}  # fmt: skip
    kinds = (
        ("multi_choice", "text", ["No", "Yes"], None, "Yes", "the correct option letter, e.g., A, B, C, D"),
        ("free_form", "integer", None, None, "3", "an integer answer and provide the final value, e.g., 1, 2, 3"),
        ("free_form", "float", None, 1.0, "0.6", "a floating-point number with one decimal place"),
        ("free_form", "float", None, 2.0, "1.45", "a floating-point number with two decimal places"),
        ("free_form", "list", None, None, "[1, 2]", "a Python list as an answer"),
    )
    rows = [
        {"pid": str(n), "question": "Which?", "image": f"images/{n}.jpg", "decoded_image": picture(n),
         "choices": choices, "unit": None, "precision": precision, "answer": answer, "question_type": kind,
         "answer_type": form, "query": f"Hint: Please answer with {hint}, at the end.\nQuestion: Which?",
         "metadata": {"category": "math", "task": "figure question answering" if n % 2 else "geometry problem solving",
                      "language": "english", "source": "made", "skills": ["arithmetic reasoning"], "img_height": 28,
                      "img_width": 36}}
        for n, (kind, form, choices, precision, answer, hint) in enumerate(kinds, start=1)
    ]  # fmt: skip
    write(root / "AI4Math/MathVista", features, {(None, "testmini"): rows, (None, "test"): rows[:1]})


def mathvision(root: Path) -> None:
    features = {"id": TEXT, "question": TEXT, "options": Several(TEXT), "image": TEXT, "decoded_image": IMAGE,
                "answer": TEXT, "solution": TEXT, "level": INT, "subject": TEXT}  # fmt: skip
    rows = [
        {"id": "1", "question": "How many?\n<image1>\n<image2>", "options": ["2", "4", "6", "8", "10"], "answer": "C",
         "level": 1, "subject": "counting"},
        {"id": "2", "question": "<image1>\nWhich one?", "options": ["A", "B", "C", "D", "E"], "answer": "B", "level": 3,
         "subject": "topology"},
        {"id": "3", "question": "What area?", "options": [], "answer": "3.333", "level": 5, "subject": "counting"},
    ]  # fmt: skip
    rows = [row | {"image": f"images/{row['id']}.jpg", "decoded_image": picture(1), "solution": None} for row in rows]
    write(root / "MathLLMs/MathVision", features, {(None, "test"): rows, (None, "testmini"): rows[:1]})


def logicvista(root: Path) -> None:
    features = {"id": TEXT, "image": IMAGE, "question": TEXT, "answer": TEXT, "skill": Several(TEXT)}
    rows = [
        {"id": "v1_0", "question": "Which follows?", "answer": "B", "skill": ["inductive"]},
        {"id": "v1_1", "question": "Which two follow?", "answer": "A, C", "skill": ["deductive"]},
        {"id": "v1_20", "question": "Which number?", "answer": "3", "skill": ["numerical"]},
        {"id": "v1_382", "question": "", "answer": "", "skill": ["spatial"]},
        *({"id": f"v1_{n}", "question": "Which?", "answer": "I", "skill": ["spatial"]} for n in range(400, 420)),
    ]
    write(root / "lscpku/LogicVista", features, {(None, "test"): [row | {"image": picture(2)} for row in rows]})


def chartqa(root: Path) -> None:
    features = {"type": TEXT, "question": TEXT, "answer": TEXT, "image": IMAGE}
    golds = {"human_test": ("20", "Yes"), "augmented_test": ("1000", "50%")}
    rows = [
        {"type": part, "question": "What value?", "answer": gold, "image": picture(3)}
        for part, values in golds.items()
        for gold in values
    ]
    write(root / "lmms-lab/ChartQA", features, {(None, "test"): rows})


def scienceqa(root: Path) -> None:
    features = {"image": IMAGE, "question": TEXT, "choices": Several(TEXT), "answer": Value("int8"), "hint": TEXT,
                "task": TEXT, "grade": TEXT, "subject": TEXT, "topic": TEXT, "category": TEXT, "skill": TEXT,
                "lecture": TEXT, "solution": TEXT}  # fmt: skip
    rows = [
        {"image": picture(4), "question": "Which is largest?", "choices": ["pea", "car", "cat"], "answer": 1,
         "hint": "Look.", "subject": "natural science", "grade": "grade4"},
        {"image": None, "question": "Which is a bird?", "choices": ["crow", "trout"], "answer": 0, "hint": "",
         "subject": "language science", "grade": "grade2"},
    ]  # fmt: skip
    write(
        root / "lmms-lab/ScienceQA", features, {("ScienceQA-IMG", "test"): rows[:1], ("ScienceQA-FULL", "test"): rows}
    )


def mmmu(root: Path) -> None:
    from cogito_pl.evaluation.benchmarks.mmmu import SUBJECTS

    images = {f"image_{n}": IMAGE for n in range(1, 8)}
    features = {"id": TEXT, "question": TEXT, "options": TEXT, "explanation": TEXT, **images, "img_type": TEXT,
                "answer": TEXT, "topic_difficulty": TEXT, "question_type": TEXT, "subfield": TEXT}  # fmt: skip
    choice = {"question": "Compare <image 1> with <image 2>: which height?", "question_type": "multiple-choice",
              "options": "['12 m', '13 m', '<image 3>', '15 m']", "answer": "B", "image_1": picture(1),
              "image_2": picture(2), "image_3": picture(3)}  # fmt: skip
    several = {"question": "<image 1> Name it.", "question_type": "open", "options": "[]", "image_1": picture(4),
               "answer": "['cat', 'feline']"}  # fmt: skip
    number = several | {"answer": "3"}
    parts = {
        (subject, "validation"): [
            row | {"id": f"validation_{subject}_{n}"}
            for n, row in enumerate((choice, several, number) if subject == "Art" else (choice,), start=1)
        ]
        for subject in SUBJECTS
    }
    write(root / "MMMU/MMMU", features, parts)


def emma(root: Path, name: str = "EMMA") -> None:
    images = {f"image_{n}": IMAGE for n in range(1, 6)}
    features = {"pid": TEXT, "question": TEXT, "options": Several(TEXT), "answer": TEXT, **images, "solution": TEXT,
                "subject": TEXT, "task": TEXT, "category": TEXT, "source": TEXT, "type": TEXT,
                "context": TEXT}  # fmt: skip
    rows = {
        subject: [
            {"pid": f"{subject}_0", "question": "Which of <image_2> fits <image_1>?", "options": ["red", "blue"],
             "answer": "B", "image_1": picture(1), "image_2": picture(2), "type": "Multiple Choice", "context": "Look:",
             "category": "fits"},
            {"pid": f"{subject}_1", "question": "How long is <image_1>?", "options": None, "answer": "12.5",
             "image_1": picture(1), "type": "Open-ended", "context": None, "category": "length"},
        ]
        for subject in ("Chemistry", "Coding", "Math", "Physics")
    }  # fmt: skip
    write(root / "luckychao" / name, features, {(subject, "test"): part for subject, part in rows.items()})


def emma_mini(root: Path) -> None:
    emma(root, "EMMA-mini")


def mmstar(root: Path) -> None:
    about = {"source": TEXT, "split": TEXT, "image_path": TEXT}
    features = {"index": INT, "question": TEXT, "image": IMAGE, "answer": TEXT, "category": TEXT, "l2_category": TEXT,
                "meta_info": about}  # fmt: skip
    rows = [
        {"index": n, "question": "Which colour?\nOptions: A: red, B: light, warm blue, C: green, D: grey",
         "image": picture(n), "answer": answer, "category": category, "l2_category": f"{category} detail",
         "meta_info": {"source": "made", "split": "val", "image_path": f"images/{n}.jpg"}}
        for n, (answer, category) in enumerate((("B", "math"), ("D", "logical reasoning")))
    ]  # fmt: skip
    folder = root / "Lin-Chen/MMStar"
    write(folder, features, {(None, "val"): rows})


def dynamath(root: Path) -> None:
    features = {"id": TEXT, "question": TEXT, "image": TEXT, "decoded_image": IMAGE, "ground_truth": TEXT,
                "answer_type": TEXT, "subject": TEXT, "knowledge_level": TEXT}  # fmt: skip
    golds = (
        ("float", lambda n: f"{n}.7795"),
        ("multiple choice", lambda n: "ABCDEF"[n % 6]),
        ("text", lambda n: "even"),
    )
    parts = {
        (None, f"sample_variant{n}"): [
            {"id": str(seed), "question": "What value?", "image": f"images/{n}.png", "decoded_image": picture(n),
             "ground_truth": gold(n), "answer_type": kind, "subject": "algebra", "knowledge_level": "high school"}
            for seed, (kind, gold) in enumerate(golds, start=1)
        ]
        for n in range(1, 11)
    }  # fmt: skip
    write(root / "DynaMath/DynaMath_Sample", features, parts)


def we_math(root: Path) -> None:
    features = {"ID": TEXT, "split": TEXT, "knowledge concept": TEXT, "question": TEXT, "option": TEXT, "answer": TEXT,
                "image_path": IMAGE, "key": TEXT, "question number": INT,
                "knowledge concept description": TEXT}  # fmt: skip
    composites = {
        "2steps_1": ("1", "2", "multi"),
        "2steps_2": ("1", "2", "multi"),
        "3steps_1": ("1", "2", "3", "multi"),
    }
    rows = [
        {"ID": name, "split": "testmini", "knowledge concept": "area", "question": "What area?",
         "option": "A. 3 cm;B. 4 cm;C. 5 cm;D. 6 cm;E. No correct answer", "answer": "B", "image_path": picture(5),
         "key": f"{name[:6]}_{role}", "question number": 1}
        for name, keys in composites.items()
        for role in keys
    ]  # fmt: skip
    write(root / "We-Math/We-Math", features, {(None, "testmini"): rows})


def ocrbench(root: Path) -> None:
    features = {"dataset": TEXT, "question": TEXT, "question_type": TEXT, "answer": Several(TEXT), "image": IMAGE}
    rows = [
        {"dataset": "IIIT5K", "question": "what is written in the image?", "question_type": "Regular Text Recognition",
         "answer": ["CENTRE", "CENTER"]},
        {"dataset": "HME100k", "question": "Write it in LaTeX.", "answer": [r"x ^ { 2 } + A"],
         "question_type": "Handwritten Mathematical Expression Recognition"},
        {"dataset": "docVQA", "question": "Which year?", "question_type": "Doc-oriented VQA", "answer": ["1997"]},
    ]  # fmt: skip
    write(root / "echo840/OCRBench", features, {(None, "test"): [row | {"image": picture(6)} for row in rows]})


def hallusionbench(root: Path) -> None:
    features = {"category": TEXT, "subcategory": TEXT, "visual_input": TEXT, "set_id": TEXT, "figure_id": TEXT,
                "sample_note": TEXT, "question_id": TEXT, "question": TEXT, "gt_answer_details": TEXT,
                "gt_answer": TEXT, "filename": TEXT, "image": IMAGE}  # fmt: skip
    rows = [
        {"category": "VD", "subcategory": "illusion", "visual_input": "1", "set_id": "0", "figure_id": figure,
         "question_id": question, "question": "Are the lines equal?", "gt_answer": gold, "image": picture(7)}
        for figure, question, gold in (("1", "0", "1"), ("1", "1", "0"), ("2", "0", "0"), ("2", "1", "1"))
    ]  # fmt: skip
    blind = [rows[0] | {"category": "VS", "subcategory": "table", "figure_id": "0", "image": None}]
    write(root / "lmms-lab/HallusionBench", features, {(None, "image"): rows, (None, "non_image"): blind})


def aime24(root: Path) -> None:
    features = {"id": INT, "problem": TEXT, "solution": TEXT, "answer": TEXT, "url": TEXT, "year": TEXT}
    rows = [{"id": 60 + n, "problem": "Find n.", "answer": answer} for n, answer in enumerate(("073", "204"))]
    write(root / "HuggingFaceH4/aime_2024", features, {(None, "train"): rows})


def aime25(root: Path) -> None:
    rows = [{"problem": "Find m.", "answer": answer} for answer in ("70", "588")]
    write(root / "yentinglin/aime_2025", {"problem": TEXT, "answer": TEXT}, {(None, "train"): rows})


def gpqa_diamond(root: Path) -> None:
    folder = root / "Idavidrein/gpqa"
    folder.mkdir(parents=True)
    columns = "Record ID,Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3,"
    rows = "".join(f"rec{n},Which particle is number {n}?,muon,pion,kaon,gluon,Physics\n" for n in range(4))
    (folder / "gpqa_diamond.csv").write_text(f"{columns}High-level domain\n{rows}")
    card = {"configs": [{"config_name": "gpqa_diamond", "data_files": "gpqa_diamond.csv"}]}
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")


def math500(root: Path) -> None:
    features = {"problem": TEXT, "solution": TEXT, "answer": TEXT, "subject": TEXT, "level": INT, "unique_id": TEXT}
    rows = [
        {"problem": "Solve it.", "answer": answer, "subject": "Algebra", "level": level, "unique_id": f"test/{level}"}
        for level, answer in ((1, r"\frac{1}{2}"), (5, r"\left( 3, \frac{\pi}{2} \right)"))
    ]
    write(root / "HuggingFaceH4/MATH-500", features, {(None, "test"): rows})


def mmvet(root: Path) -> None:
    features = {"question_id": TEXT, "image": IMAGE, "question": TEXT, "answer": TEXT, "capability": TEXT}
    rows = [{"question_id": "v1_0", "image": picture(8), "question": "What is x?", "answer": "-1<AND>-5"}]
    write(root / "lmms-lab/MMVet", features, {(None, "test"): [rows[0] | {"capability": "ocr,math"}]})


WRITERS = {
    writer.__name__: writer
    for writer in (
        geometry3k, mathverse, mathvista, mathvision, logicvista, chartqa, scienceqa, mmmu, emma, emma_mini, mmstar,
        dynamath, we_math, ocrbench, hallusionbench, aime24, aime25, gpqa_diamond, math500, mmvet,
    )
}  # fmt: skip
"""A writer for every benchmark, by its name."""
