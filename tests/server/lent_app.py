# SPDX-License-Identifier: GPL-3.0-or-later
"""The application of a test's server: built once, lent to one test after another, each with parts of its own.

A quarter of the time of a server that lives for one test went into reading the same routes again.
"""

from __future__ import annotations

from typing import Any, cast

from litestar import Litestar
from litestar.testing import TestClient

from sync.server.parts import Parts
from sync.server.web.app import build_app

__all__ = ["Lender", "client_of"]


class _Parts:
    """Stands where the parts of an application are: those of whoever has it now. Remembers what building it asked."""

    def __init__(self, parts: Parts) -> None:
        self._now = parts
        self._asked: dict[str, object] = {}
        self._building = True

    def __getattr__(self, name: str) -> object:
        value: object = getattr(self._now, name)
        if self._building:
            self._asked[name] = value
        return value

    def built(self) -> None:
        self._building = False

    def fits(self, parts: Parts) -> bool:
        """Whether an application built for these would be the same."""
        return all(getattr(parts, name) == value for name, value in self._asked.items())

    def become(self, parts: Parts) -> None:
        self._now = parts


class Lender:
    """Keeps applications between tests. None serves two at the same time."""

    def __init__(self) -> None:
        self._free: list[tuple[_Parts, Litestar]] = []
        self._lent: list[tuple[_Parts, Litestar]] = []

    def app(self, parts: Parts) -> Litestar:
        """Return an application over these parts."""
        for pair in self._free:
            if pair[0].fits(parts):
                self._free.remove(pair)
                break
        else:
            stand_in = _Parts(parts)
            pair = (stand_in, build_app(cast("Parts", stand_in)))
            stand_in.built()
        pair[0].become(parts)
        self._lent.append(pair)
        return pair[1]

    def all_back(self) -> None:
        """The test has ended: what it had may be lent again."""
        self._free += self._lent
        self._lent.clear()


lender: Lender | None = None  # while tests of the server run


def client_of(parts: Parts, *, raises: bool = False) -> TestClient[Any]:
    """Return a client of a server with these parts; it hands on the server's bugs if `raises`."""
    app = lender.app(parts) if lender is not None else build_app(parts)
    return TestClient(app, raise_server_exceptions=raises)
