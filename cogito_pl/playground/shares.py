"""Which part of the data may have a scene, decided by a hash of the scene, so that training and test never share one.

Of a hundred scenes 70 are for training (`pretrain`, `sft`, `train`), 10 for `validation` and 20 for `test`. A problem
without an image is hashed by its question. The hash is of the contents of the cells and not of pixels, which differ a
little between drawings: no drawing of a test scene is trained on, with whatever question. The two images of a problem
are hashed together.
"""

import hashlib

from cogito_pl.playground.draft import Draft

GRADED = {"test": range(20), "validation": range(20, 30)}
"""Part to its hundredths; all others are for training."""


def belongs(draft: Draft, part: str) -> bool:
    """Whether a part may hold this problem.

    Args:
        draft: The problem in words.
        part: Name of a part; one that is not in `GRADED` is for training.
    """
    place = hundredth(draft)
    return place in GRADED[part] if part in GRADED else not any(place in own for own in GRADED.values())


def hundredth(draft: Draft) -> int:
    """A number from 0 to 99 that depends on the scenes alone, or on the question where there is none."""
    shown = "\n".join(
        f"{scene.rows}x{scene.columns} " + ",".join(str(thing) for thing in scene.things) for scene in draft.scenes
    )
    return int.from_bytes(hashlib.sha256((shown or draft.question).encode()).digest()[:4], "big") % 100
