"""Which part of the data may show a scene: decided by the scene alone, so that learnt and graded images never meet.

Of every hundred images 70 are for learning (`pretrain`, `sft`, `train`), 10 for `validation` and 20 for `test`. A
problem without an image is told by its question. What is hashed is what lies where, not the pixels, which differ a
little from drawing to drawing: a graded scene is not learnt from in any drawing, nor under any other question. (The
two images of one problem count as one.)
"""

import hashlib

from cogito_pl.playground.draft import Draft

GRADED = {"test": range(20), "validation": range(20, 30)}
"""Part to its hundredths; all others are for learning."""


def belongs(draft: Draft, part: str) -> bool:
    """Whether a part may hold this problem.

    Args:
        draft: The problem in words.
        part: Name of a part; one without hundredths of its own learns.
    """
    place = hundredth(draft)
    return place in GRADED[part] if part in GRADED else not any(place in own for own in GRADED.values())


def hundredth(draft: Draft) -> int:
    """A number from 0 to 99 that depends on the scenes alone, or on the question where there is none."""
    shown = "\n".join(
        f"{scene.rows}x{scene.columns} " + ",".join(str(thing) for thing in scene.things) for scene in draft.scenes
    )
    return int.from_bytes(hashlib.sha256((shown or draft.question).encode()).digest()[:4], "big") % 100
