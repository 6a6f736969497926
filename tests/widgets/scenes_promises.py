# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of promises: the line under a reply, the window that asks for a time, the block of the details."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.ports import DraftKind
from app.domain.promises import Promise
from app.services.promises import promise_times
from app.services.texts import polite
from tests.fakes.link import InlineJobs
from tests.fakes.queries import NOW_MS
from tests.widgets.screenshots import Scene
from widgets.composer.sheet import Sheet
from widgets.customer.promises import PromiseBlock
from widgets.foundation import Panel, Theme, column, scroll
from widgets.ticket.promise_window import PromiseWindow

__all__ = ["SCENES", "promises"]

_MINUTE = 60_000


def promises(now_ms: int = NOW_MS) -> tuple[Promise, ...]:
    """One ahead, one to be told, one kept, one broken and one replaced."""
    reply = b"r" * 16
    return (
        Promise(b"1" * 16, now_ms - 300 * _MINUTE, "펌웨어 확인", author_name="김지우", closed_by=b"q", closed_at=1),
        Promise(b"2" * 16, now_ms - 200 * _MINUTE, "", author_name="이서준", closed_by=b"s", closed_at=now_ms),
        Promise(b"3" * 16, now_ms - 20 * _MINUTE, "원인 설명", author_name="김지우", closed_by=reply, closed_at=1),
        Promise(b"4" * 16, now_ms + 25 * _MINUTE, "교환품 발송일", author_name="김지우", made_in=reply),
        Promise(b"5" * 16, now_ms + 300 * _MINUTE, "", True, author_name="김지우"),
    )


def _window(theme: Theme) -> QWidget:
    times = promise_times((), NOW_MS)
    return PromiseWindow(theme, "#4182", polite("박민수"), times, times[1][1], lambda: NOW_MS, None)


def _offer(theme: Theme) -> QWidget:
    sheet = Sheet(theme, DraftKind.REPLY, InlineJobs(), lambda: NOW_MS)
    sheet.retranslate("박민수")
    sheet.load("확인해 보니 부품이 필요합니다.\n내일 오후 3시까지 발송일을 알려 드리겠습니다.", -1)
    sheet.promise.look()
    return sheet


def _block(theme: Theme) -> QWidget:
    panel = Panel("surface")
    space = theme.tokens.space
    block = PromiseBlock(theme, promises(), NOW_MS)
    panel.setLayout(column(block, None, margins=(space.medium,) * 4))
    return scroll(panel)  # as the details do


SCENES = [
    Scene("promises-window", _window, contrast=True),
    Scene("promises-offer", _offer, (640, 220)),
    Scene("promises-details", _block, (300, 320), contrast=True),
]
