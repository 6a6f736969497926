# SPDX-License-Identifier: GPL-3.0-or-later
"""Wires a window's `SessionHost` to the session child of this program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject

from app.desktop.session_host import ChildWords, SessionHost
from remote_assist.child_protocol import End, Frame
from remote_assist.ipc import ChildLink, LinkClosed, spawn_child


def make_session_host(
    role: str,
    parent: QObject | None = None,
    *,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
) -> SessionHost:
    """Return a host whose `start` runs a session child as `role`, "agent" or "customer".

    `env` adds to the child's filtered environment; `command` replaces this program's own, for tests.
    """
    return SessionHost(_opener(role, env or {}, command), ChildWords(Frame, _dirty_of, End), parent)


def _opener(role: str, env: Mapping[str, str], command: Sequence[str] | None) -> Callable[[], ChildLink | None]:
    def open_link() -> ChildLink | None:
        try:
            return spawn_child(role, env=env, command=command)
        except (LinkClosed, OSError):
            return None

    return open_link


def _dirty_of(message: object) -> tuple[int, int, int, int] | None:
    return message.dirty if isinstance(message, Frame) else None
