"""Showing how far a long computation is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_DELAY = 1.0
"""Seconds without a bar: what is done by then needs none."""


class Track(Protocol):
    """Goes through items and may show how far it is."""

    def __call__(self, items: list[T], description: str) -> Iterable[T]:
        """The items, one after the other.

        Args:
            items: What is worked on.
            description: What is being done, for the user.
        """


def untracked(items: list[T], description: str) -> Iterable[T]:
    """Shows nothing.

    Args:
        items: What is worked on.
        description: Not shown.
    """
    return items


def progress_bar(items: list[T], description: str) -> Iterable[T]:
    """Shows a bar with the time left on standard error, if that is a terminal and it takes long.

    Args:
        items: What is worked on.
        description: Stands before the bar.
    """
    # tqdm's None means: only on a terminal.
    bar: Iterable[T] = tqdm(items, desc=description, disable=None, leave=False, delay=_DELAY)
    return bar
