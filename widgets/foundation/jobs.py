# SPDX-License-Identifier: GPL-3.0-or-later
"""How windows read and write: off the GUI thread, with the answer back on it. Implemented by app.desktop.jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

__all__ = ["Jobs"]

T = TypeVar("T")
Failed = Callable[[Exception], object]


class Jobs(Protocol):
    """Both calls return at once. `then` and `error` run on the GUI thread; without `error` a failure is reported."""

    def query(
        self, read: Callable[[], T], /, then: Callable[[T], object], error: Failed | None = None, key: str = ""
    ) -> None:
        """Read in the background. A newer query with the same key supersedes an older one, whose answer is dropped."""
        ...

    def change(
        self, write: Callable[[], T], /, then: Callable[[T], object] | None = None, error: Failed | None = None
    ) -> None:
        """Write in the background; writes run one after the other, in the order of the calls, and none is dropped."""
        ...
