"""Chooses a validation split by the problems' ids; it shares no image with the training part."""

from collections.abc import Mapping, Sequence

from cogito_pl.problem import Problem
from cogito_pl.seeds import digest


def fingerprints(problem: Problem) -> list[str]:
    """Digests of what must not be on both sides: the pixels of each image, or the questions where there is none."""
    if not problem.images:
        return ["text " + digest(" ".join(" ".join(problem.questions).casefold().split()), 16)]
    loaded = [image.load() for image in problem.images]
    return [digest(repr(image.size).encode() + image.tobytes(), 16) for image in loaded]


def validation_ids(
    prints: Mapping[str, Sequence[str]], *, share: float | None = None, count: int | None = None, seed: int = 0
) -> set[str]:
    """The ids that are held out.

    Problems that share a fingerprint, directly or through others, form a group and stay together. With `share`, whether
    a group is held out depends on its ids and the seed alone, so it does not change when data are added; the share is
    met on average. With `count`, groups are taken in the order of their hashes, except those that would exceed it.

    Args:
        prints: Fingerprints by id.
        share: Part of the groups to hold out, between 0 and 1. Give this or `count`.
        count: Most problems to hold out.
        seed: Another seed, another split.

    Raises:
        ValueError: Not exactly one of `share` and `count` is given, or it leaves one side empty.
    """
    if (share is None) == (count is None):
        raise ValueError("give either a share or a count of problems to hold out")
    if share is not None and not 0 < share < 1:
        raise ValueError(f"share={share} leaves one side empty; choose a number between 0 and 1")
    if count is not None and not 0 < count < len(prints):
        raise ValueError(f"count={count} of {len(prints)} problems leaves one side empty")
    keyed = sorted((min(_place(seed, name) for name in group), group) for group in _groups(prints))
    held: set[str] = set()
    for place, group in keyed:
        if place < share if count is None else len(held) + len(group) <= count:
            held.update(group)
    if not held or len(held) == len(prints):
        largest = max(len(group) for _, group in keyed)
        raise ValueError(
            f"{'everything' if held else 'nothing'} would be held out: the {len(prints)} problems form {len(keyed)} "
            f"groups that share images, the largest of {largest}; change share, count or seed"
        )
    return held


def _groups(prints: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Ids that are connected through fingerprints, each list sorted."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    for name, marks in prints.items():
        for mark in marks:
            parent[root(f"print {mark}")] = root(f"id {name}")
    groups: dict[str, list[str]] = {}
    for name in sorted(prints):
        groups.setdefault(root(f"id {name}"), []).append(name)
    return list(groups.values())


def _place(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on its arguments alone."""
    return int(digest(f"{seed} {name}"), 16) / 2**64
