# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the complaint guide in the details, and of the customer's words above a reply."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.complaints import QUESTIONS, Step
from app.domain.ids import TicketId
from app.domain.ports import DraftKind
from app.services.complaints import Guide, greeting
from tests.fakes.link import InlineJobs
from tests.fakes.queries import NOW_MS, FakeDesk, FakeQueries, user_id
from tests.widgets.screenshots import Scene
from widgets.composer.sheet import Sheet
from widgets.customer.complaint import ComplaintGuide
from widgets.foundation import Panel, Theme, column, scroll

__all__ = ["SCENES"]

_SAID = "지난주에 고쳐 주셨는데 두 장을 인쇄하면 또 멈춥니다. 오늘까지 내야 하는 서류라 정말 답답합니다."


def _guide() -> Guide:
    return Guide(
        TicketId(b"k" * 16), "#4182", "ko", greeting("박민수", "님", "ko"), "박민수", _SAID, NOW_MS, 3,
        "#4101 인쇄가 흐립니다", tuple(q for q in QUESTIONS if q.topic in ("error", "often", "tried", "wish")),
        frozenset({Step.GREET, Step.LISTEN}), (("feeling", "정말 답답합니다"),), all_said=_SAID,
    )  # fmt: skip


def _block(theme: Theme) -> QWidget:
    panel = Panel("surface")
    guide = ComplaintGuide(theme, panel)
    guide.know(_guide(), FakeQueries(FakeDesk(3)).choices(), user_id(0), NOW_MS)
    space = theme.tokens.space
    widgets = [make() for _key, _title, makers in guide.blocks() for make in makers]
    guide.show_draft("두 장 뒤에 또 멈춘다니 많이 불편하셨겠습니다.")
    panel.setLayout(column(*widgets, None, gap=space.small, margins=(space.medium,) * 4))
    return scroll(panel)  # as the details do


def _reply(theme: Theme) -> QWidget:
    sheet = Sheet(theme, DraftKind.REPLY, InlineJobs(), lambda: NOW_MS)
    sheet.retranslate("박민수")
    sheet.pinned.show_words("박민수", _SAID)
    sheet.load("박민수 님, 안녕하세요.\n\n두 장 뒤에 또 멈춘다니 많이 불편하셨겠습니다.", -1)
    return sheet


SCENES = [
    Scene("complaints-guide", _block, (300, 1080), contrast=True),
    Scene("complaints-reply", _reply, (640, 260)),
]
