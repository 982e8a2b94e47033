"""The benchmarks of the papers, one file each."""

from cogito_pl.evaluation.benchmark import Benchmark
from cogito_pl.evaluation.benchmarks.aime import AIME24, AIME25
from cogito_pl.evaluation.benchmarks.chartqa import ChartQA
from cogito_pl.evaluation.benchmarks.dynamath import DynaMath
from cogito_pl.evaluation.benchmarks.emma import EMMA, EMMAMini
from cogito_pl.evaluation.benchmarks.geometry3k import Geometry3K
from cogito_pl.evaluation.benchmarks.gpqa import GPQADiamond
from cogito_pl.evaluation.benchmarks.hallusionbench import HallusionBench
from cogito_pl.evaluation.benchmarks.logicvista import LogicVista
from cogito_pl.evaluation.benchmarks.math500 import MATH500
from cogito_pl.evaluation.benchmarks.mathverse import MathVerse
from cogito_pl.evaluation.benchmarks.mathvision import MathVision
from cogito_pl.evaluation.benchmarks.mathvista import MathVista
from cogito_pl.evaluation.benchmarks.mmmu import MMMU
from cogito_pl.evaluation.benchmarks.mmstar import MMStar
from cogito_pl.evaluation.benchmarks.mmvet import MMVet
from cogito_pl.evaluation.benchmarks.ocrbench import OCRBench
from cogito_pl.evaluation.benchmarks.scienceqa import ScienceQA
from cogito_pl.evaluation.benchmarks.we_math import WeMath

BENCHMARKS: dict[str, type[Benchmark]] = {
    kind.name: kind
    for kind in (
        Geometry3K, MathVerse, MathVista, MathVision, LogicVista, ChartQA, ScienceQA, MMMU, EMMA, EMMAMini, MMStar,
        DynaMath, WeMath, OCRBench, HallusionBench, AIME24, AIME25, GPQADiamond, MATH500, MMVet,
    )
}  # fmt: skip
"""The shipped benchmarks by name."""

__all__ = ["BENCHMARKS", *sorted(kind.__name__ for kind in BENCHMARKS.values())]
