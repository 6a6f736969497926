# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of clipboard and chat in a session, at both ends."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.domain.assist import AskState, Phase, Scope, ScopeAsk, SessionView
from app.domain.plain_text import ChatLine
from tests.widgets.scenes_agent import _session
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBar
from widgets.companion.chat import ChatWindow
from widgets.companion.clipboard import ClipQuestion, ClipShown
from widgets.foundation import Theme
from widgets.remote.clipboard import ClipWindow
from widgets.remote.session_window import SessionWindow

__all__ = ["SCENES"]

SAID_MS = 1_795_402_800_000
WHO = ("김지우", "한빛전산 고객지원")
TEXT = "AC-100 설치 위치\nC:\\Program Files\\AC100\\bin\n일련번호 7K-4410-0098"
SAID = (
    (True, "안녕하세요. 지금 화면이 보입니다.", True),
    (False, "네, 저도 빨간 테두리가 보여요.\n전표를 저장하면 이 오류가 나와요.", True),
    (True, "오류 번호를 복사해서 보내 주시겠어요? 아래 '클립보드'로 여쭤보겠습니다.", True),
    (False, "잠시만요, 비밀번호 창이 떠서 멈췄어요.", True),
    (True, "천천히 하셔도 됩니다.", False),
)


def _lines(*, turned: bool = False) -> tuple[ChatLine, ...]:
    return tuple(
        ChatLine(mine is not turned, n, text, SAID_MS + n * 41_000, sent or turned)
        for n, (mine, text, sent) in enumerate(SAID, 1)
    )


def _asks(gives: AskState, takes: AskState) -> tuple[ScopeAsk, ...]:
    found = {Scope.CLIPBOARD_TO_CUSTOMER: gives, Scope.CLIPBOARD_TO_AGENT: takes}
    return (ScopeAsk(Scope.POINTER, AskState.POSSIBLE), *(ScopeAsk(scope, state) for scope, state in found.items()))


def _chat(theme: Theme) -> QWidget:
    window = _session(Phase.VERIFIED, asks=_asks(AskState.POSSIBLE, AskState.POSSIBLE), paused=True)(theme)
    assert isinstance(window, SessionWindow)
    window.talk.show_lines(_lines(), open_=True)
    QTimer.singleShot(0, window, window.talk.toggle_chat)
    return window


def _unread(theme: Theme) -> QWidget:
    window = _session(Phase.VERIFIED, asks=_asks(AskState.POSSIBLE, AskState.POSSIBLE))(theme)
    assert isinstance(window, SessionWindow)
    window.talk.show_lines(_lines()[:2], open_=True)
    return window


def _clips(theme: Theme) -> QWidget:
    window = ClipWindow(theme)
    window.show_asks(_asks(AskState.WAITING, AskState.POSSIBLE), "박민수 님")
    window.text.setPlainText("https://support.example/ac100/fix")
    window.show_text(TEXT)
    return window


def _clips_empty(theme: Theme) -> QWidget:
    window = ClipWindow(theme)
    window.show_asks(_asks(AskState.POSSIBLE, AskState.POSSIBLE), "박민수 님")
    window.bring()
    return window


def _ask_text(theme: Theme) -> QWidget:
    return _asked(theme, TEXT)


def _ask_nothing(theme: Theme) -> QWidget:
    return _asked(theme, "")


def _asked(theme: Theme, text: str) -> QWidget:
    clock = [0]
    window = ClipQuestion(theme, WHO, 112_000, lambda: clock[0], lambda: text)
    clock[0] = 5_000
    window._count()
    return window


def _shown(theme: Theme) -> QWidget:
    return ClipShown(theme, WHO[0], "https://support.example/ac100/fix")


def _companion_chat(theme: Theme) -> QWidget:
    window = ChatWindow(theme, WHO[0])
    window.show_lines(_lines(turned=True), open_=True)
    window.follow(SessionView(Phase.VERIFIED))
    return window


def _bar(theme: Theme) -> QWidget:
    bar = SharingBar(theme, *WHO)
    bar.show_sharing(
        "전표 입력", paused=False, lost=False, number="482 917", live=True,
        grants=(Scope.VIEW, Scope.CLIPBOARD_TO_CUSTOMER),
    )  # fmt: skip
    bar.show_unread(2)
    return bar


SCENES = [
    Scene("talk-session-chat", _chat, (1152, 768), 200, contrast=True),
    Scene("talk-session-unread", _unread, (1152, 768), 200),
    Scene("talk-clipboard", _clips),
    Scene("talk-clipboard-empty", _clips_empty),
    Scene("talk-companion-clip-question", _ask_text, contrast=True),
    Scene("talk-companion-clip-nothing", _ask_nothing),
    Scene("talk-companion-clip-shown", _shown),
    Scene("talk-companion-chat", _companion_chat, contrast=True),
    Scene("talk-companion-bar", _bar),
]
