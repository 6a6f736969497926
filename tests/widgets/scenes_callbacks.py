# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of calls: the list of the day, the window that plans one, the block of the details."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.callback_ports import CallItem
from app.domain.callbacks import SLOT_MS, Callback, CallState
from app.domain.ids import TeamId
from app.domain.ports import ViewKey
from tests.fakes.queries import NOW_MS, FakeQueries
from tests.widgets.screenshots import Scene
from widgets.customer.callbacks import CallBlock
from widgets.foundation import Panel, Theme, column, scroll
from widgets.reports.callbacks import CallsWindow
from widgets.ticket.callback_window import CallbackWindow

__all__ = ["SCENES", "calls"]

_PHONE = "+821023456789"


def calls(now_ms: int = NOW_MS) -> tuple[Callback, ...]:
    """One missed, one to be made now, one later, one only asked for, one done."""
    here = now_ms // SLOT_MS * SLOT_MS

    def call(n: int, slots: int, state: CallState, who: str = "") -> Callback:
        start = here + slots * SLOT_MS
        return Callback(bytes([n]) * 16, b"t" * 16, start, start + SLOT_MS, state, _PHONE, None, who)

    done = replace(call(5, -6, CallState.DONE, "이서준"), reached=True, attempts=1, closed_at=now_ms)
    return (
        call(1, -3, CallState.MISSED), call(2, 0, CallState.CONFIRMED, "김지우"), call(3, 4, CallState.CONFIRMED),
        call(4, 6, CallState.REQUESTED), done,
    )  # fmt: skip


def _list(theme: Theme) -> QWidget:
    queries = FakeQueries()
    rows = list(queries.rows(queries.ids(ViewKey.ALL)).values())
    window = CallsWindow(theme, lambda: NOW_MS)
    items = [CallItem(call, rows[n % len(rows)], TeamId(b"t" * 16), "ko") for n, call in enumerate(calls()[:4])]
    window.show_items(items)
    return window


def _none(theme: Theme) -> QWidget:
    window = CallsWindow(theme, lambda: NOW_MS)
    window.show_items([])
    return window


def _plan(theme: Theme) -> QWidget:
    first = -(-NOW_MS // SLOT_MS) * SLOT_MS
    slots = [first + n * SLOT_MS for n in range(6)]
    return CallbackWindow(theme, "#4182", slots, _PHONE, lambda: NOW_MS, None)


def _block(theme: Theme) -> QWidget:
    panel = Panel("surface")
    space = theme.tokens.space
    panel.setLayout(column(CallBlock(theme, calls(), lambda: NOW_MS), None, margins=(space.medium,) * 4))
    return scroll(panel)  # as the details do


SCENES = [
    Scene("callbacks-list", _list),
    Scene("callbacks-empty", _none),
    Scene("callbacks-plan", _plan),
    Scene("callbacks-block", _block, (360, 360)),
]
