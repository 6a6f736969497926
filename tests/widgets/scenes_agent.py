# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the agent's windows with the fakes' help desk."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.config.settings import Settings
from app.domain.assist import AskState, EndReason, Phase, ProofKind, Scope, ScopeAsk, SessionView
from app.domain.marks import MARK_COLOUR, Mark, MarkKind, Marks, to_steps
from app.domain.ports import Draft, DraftKind, Identity, SyncPhase, SyncStatus, ViewKey
from app.services.triage_writing import After
from tests.fakes.commits import FakeCommits
from tests.fakes.link import FakeLink, FakeSessions, InlineJobs
from tests.fakes.needs import FakeNeeds, FakeNeedsCommits, sample_needs
from tests.fakes.queries import ME, NOW_MS, FakeDesk, FakeQueries, customer_id, ticket_id
from tests.widgets.screenshots import Scene
from widgets.foundation import Theme
from widgets.onboarding.sign_in import SignInWindow
from widgets.remote.invite import InviteWindow
from widgets.remote.pens import Tool
from widgets.remote.ports import Invited, InviteOrder, Meter, SessionInfo, Target
from widgets.remote.session_window import SessionWindow
from widgets.search.palette import Palette
from widgets.settings.window import SettingsWindow
from widgets.shell.build import build_agent_window
from widgets.shell.sheet import ShortcutSheet
from widgets.shell.window import AgentWindow

IDENTITY = Identity(ME, "jiwoo", "김지우", frozenset({"agent"}), b"d" * 16, "K7", "https://help.example.com")
ORDER = InviteOrder(ticket_id(0), "#14821", "2페이지를 인쇄하면 프린터가 멈춥니다", customer_id(0), "박민수")
LIVE = SyncStatus(SyncPhase.LIVE, NOW_MS - 3_600_000, last_sync=NOW_MS - 60_000)
OFFLINE = SyncStatus(SyncPhase.OFFLINE, NOW_MS - 4_800_000, waiting=3)


def agent_window(
    theme: Theme, status: SyncStatus = LIVE, desk: FakeDesk | None = None, *, size: int = 200, needs_you: bool = False
) -> tuple[AgentWindow, FakeDesk, FakeCommits]:
    """The main window over fakes, in the language spoken now."""
    desk = desk or FakeDesk(size)
    needs = sample_needs(desk) if needs_you else FakeNeeds(desk)
    commits = FakeNeedsCommits(desk, needs)
    mode = theme.mode.value if theme.mode.value in ("light", "dark") else "system"
    settings = Settings(
        Path(tempfile.mkdtemp()) / "settings.json",
        {"ui.language": language(), "ui.theme": mode, "ui.text_percent": theme.text_percent},
    )
    window = build_agent_window(
        theme=theme, queries=FakeQueries(desk), commits=commits, link=FakeLink(), jobs=InlineJobs(),
        settings=settings, identity=IDENTITY, sessions=FakeSessions(), status=status, now_ms=lambda: NOW_MS,
        needs=needs,
    )  # fmt: skip
    return window, desk, commits


Prepare = Callable[[AgentWindow, FakeDesk, FakeCommits], None]


def _scene(prepare: Prepare, status: SyncStatus = LIVE, size: int = 200) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        mode = theme.mode
        window, desk, commits = agent_window(theme, status, size=size)
        theme.set_mode(mode)
        prepare(window, desk, commits)
        return window

    return build


def _inbox(window: AgentWindow, _desk: FakeDesk, _commits: FakeCommits) -> None:
    window.go_view(ViewKey.TEAM)


def _ticket(window: AgentWindow, _desk: FakeDesk, _commits: FakeCommits) -> None:
    window.go_view(ViewKey.TEAM)
    window.open_ticket(ticket_id(0))


def _reply(window: AgentWindow, _desk: FakeDesk, commits: FakeCommits) -> None:
    text = "박민수 님, 확인해 주셔서 감사합니다.\n\n펌웨어를 2.4.3으로 올린 뒤 다시 인쇄해 보시겠어요?"
    commits.save_draft(Draft(ticket_id(0), DraftKind.REPLY, text, 10, 3, NOW_MS))
    _ticket(window, _desk, commits)
    window.ticket.composer.write(DraftKind.REPLY)


def _note(window: AgentWindow, _desk: FakeDesk, commits: FakeCommits) -> None:
    text = "원격으로 함께 보니 급지 센서는 정상. 펌웨어 문제로 보고 2.4.3 안내함."
    commits.save_draft(Draft(ticket_id(0), DraftKind.NOTE, text, 10, 3, NOW_MS))
    _ticket(window, _desk, commits)
    window.ticket.composer.write(DraftKind.NOTE)


def _held(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _reply(window, desk, commits)
    desk.customer_writes(0, "잠시만요, 방금 다시 해 보니 이제 됩니다!")
    window.ticket.composer.send()


def _offline(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _ticket(window, desk, commits)
    window.desk.set_priority(window.deeds.picked(), 4)
    window.desk.send_reply(ticket_id(0), "펌웨어 2.4.3을 보내 드립니다.", 3, After.WAIT, False)


def _search(window: AgentWindow, _desk: FakeDesk, _commits: FakeCommits) -> None:
    window.open_ticket(ticket_id(1))
    window.top.search.setText("결제")
    window._search("결제")


def _outbox(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _offline(window, desk, commits)
    window.toast.hide()
    window.go_outbox()


def _empty(window: AgentWindow, _desk: FakeDesk, _commits: FakeCommits) -> None:
    window.go_view(ViewKey.SNOOZED)


def _sign_in(theme: Theme) -> QWidget:
    window = SignInWindow(theme, server="https://help.example.com", login="jiwoo")
    window.password.setText("x")
    window.answered("sign_in_refused")
    return window


def _settings(theme: Theme) -> QWidget:
    return SettingsWindow(theme, Settings(Path("none.json")))


def _palette(theme: Theme) -> QWidget:

    window, desk, _commits = agent_window(theme)
    window.open_ticket(ticket_id(0))
    palette = Palette(theme, window.registry, FakeQueries(desk), InlineJobs(), window)
    palette._fit()
    palette.setProperty("owner", window)  # keeps the window alive
    return palette


def _sheet(theme: Theme) -> QWidget:

    window, _desk, _commits = agent_window(theme)
    sheet = ShortcutSheet(theme, window.registry, window)
    sheet.setProperty("owner", window)
    return sheet


def _session_info(phase: Phase, **more: Any) -> SessionInfo:
    started = time.monotonic_ns() // 1_000_000 - 761_000
    looking = (Scope.VIEW,) if phase in (Phase.UNVERIFIED, Phase.VERIFIED) else ()
    possible = (ScopeAsk(Scope.POINTER, AskState.POSSIBLE),) if looking else ()
    view = SessionView(phase, started_ms=started, **({"grants": looking, "asks": possible} | more))
    return SessionInfo(
        view, ORDER.ticket_label, ORDER.customer_name,
        Invited("deskside://invite/6f1c…#k2V9…", "482917305", time.monotonic_ns() // 1_000_000 + 553_000, True),
        ProofKind.DEVICE, "Linux", "482 917", target=Target(1280, 800, 1.0, "window"),
    )  # fmt: skip


_ROWS = (
    ("11/20", "현금", "문구 구입", "", "18,400"),
    ("11/20", "소모품비", "문구 구입", "18,400", ""),
    ("11/21", "외상매출금", "11월 정기 점검", "330,000", ""),
    ("11/21", "매출", "11월 정기 점검", "", "330,000"),
    ("11/22", "여비교통비", "거래처 방문", "12,600", ""),
    ("11/22", "현금", "거래처 방문", "", "12,600"),
)
_PLACES = (200, 330, 520, 800, 940)  # px from the left


def _desktop() -> QImage:
    """A customer's screen with an accounting program and its message."""
    image = QImage(1280, 800, QImage.Format.Format_RGB32)
    image.fill(QColor("#5b86b8"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#f7f8fa"))
    painter.drawRoundedRect(160, 90, 960, 600, 8, 8)
    painter.fillRect(160, 128, 960, 1, QColor("#cfd5dd"))
    font = QFont()
    font.setPixelSize(16)
    painter.setFont(font)
    painter.setPen(QColor("#1b1e23"))
    painter.drawText(184, 116, "전표 입력 – 장부 10 (가상)")
    for place, text in enumerate(("새 전표", "저장", "인쇄", "마감")):
        painter.setBrush(QColor("#ffffff"))
        painter.setPen(QColor("#b6bdc8"))
        painter.drawRoundedRect(184 + 96 * place, 144, 84, 34, 4, 4)
        painter.setPen(QColor("#1b1e23"))
        painter.drawText(184 + 96 * place, 144, 84, 34, Qt.AlignmentFlag.AlignCenter, text)
    painter.fillRect(184, 196, 912, 400, QColor("#ffffff"))
    painter.fillRect(184, 196, 912, 36, QColor("#e9ecf1"))
    for line, row in enumerate((("날짜", "계정", "적요", "차변", "대변"), *_ROWS)):
        for left, text in zip(_PLACES, row, strict=True):
            painter.drawText(left, 220 + 36 * line, text)
        painter.fillRect(184, 231 + 36 * line, 912, 1, QColor("#d5d9e0"))
    painter.fillRect(184, 612, 912, 52, QColor("#fce8e6"))
    painter.setPen(QColor("#b3261e"))
    painter.drawText(204, 644, "E-AC100: 화면을 그릴 수 없습니다. 프로그램을 다시 시작해 주세요.")
    painter.end()
    return image


def _invite(theme: Theme) -> QWidget:
    window = InviteWindow(theme, ORDER)
    window.show_info(_session_info(Phase.INVITED))
    return window


def _refused(theme: Theme) -> QWidget:
    window = InviteWindow(theme, ORDER)
    window.show_info(_session_info(Phase.ENDED, reason=EndReason.REFUSED, by="customer"))
    return window


def _session(phase: Phase, **more: Any) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        window = SessionWindow(theme, ORDER)
        window.show_info(_session_info(phase, **more))
        window.show_meter(Meter(38.2, 28, "sharp", "direct", 0.2, 1.4))
        QTimer.singleShot(0, window, lambda: window.show_frame(_desktop(), 1))
        return window

    return build


def _asked(state: AskState) -> Callable[[Theme], QWidget]:
    until = time.monotonic_ns() // 1_000_000 + 24_000
    return _session(Phase.VERIFIED, asks=(ScopeAsk(Scope.POINTER, state, until),))


def _pointing(theme: Theme) -> QWidget:
    asks = (ScopeAsk(Scope.POINTER, AskState.GRANTED),)
    window = _session(Phase.VERIFIED, grants=(Scope.VIEW, Scope.POINTER), asks=asks)(theme)
    assert isinstance(window, SessionWindow)
    window.tools.take(Tool.ARROW)
    drawn = (
        Mark(1, MarkKind.BOX, (to_steps(184, 606, 1280, 800), to_steps(1096, 670, 1280, 800)), MARK_COLOUR),
        Mark(2, MarkKind.ARROW, (to_steps(660, 480, 1280, 800), to_steps(440, 166, 1280, 800)), MARK_COLOUR),
    )
    window.picture.show_marks(Marks(None, drawn))
    return window


WIDE, SMALL = (1280, 800), (960, 600)
SCENES = [
    Scene("agent-inbox", _scene(_inbox), WIDE, 60),
    Scene("agent-ticket", _scene(_ticket), WIDE, 60, contrast=True),
    Scene("agent-ticket-small", _scene(_ticket), SMALL, 60),
    Scene("agent-reply", _scene(_reply), WIDE, 60),
    Scene("agent-reply-small", _scene(_reply), SMALL, 60),
    Scene("agent-note", _scene(_note), WIDE, 60),
    Scene("agent-held", _scene(_held), WIDE, 60),
    Scene("agent-offline", _scene(_offline, OFFLINE), WIDE, 60),
    Scene("agent-search", _scene(_search), WIDE, 60),
    Scene("agent-outbox", _scene(_outbox, OFFLINE), WIDE, 60),
    Scene("agent-empty", _scene(_empty), SMALL, 60),
    Scene("agent-sign-in", _sign_in),
    Scene("agent-settings", _settings),
    Scene("agent-palette", _palette),
    Scene("agent-keys", _sheet),
    Scene("session-invite", _invite),
    Scene("session-refused", _refused),
    Scene("session-check", _session(Phase.UNVERIFIED), (1152, 768), 200),
    Scene("session-live", _session(Phase.VERIFIED), (1152, 768), 200),
    Scene("session-asked", _asked(AskState.WAITING), (1152, 768), 200),
    Scene("session-not-allowed", _asked(AskState.REFUSED), (1152, 768), 200),
    Scene("session-pointing", _pointing, (1152, 768), 200, contrast=True),
    Scene("session-paused", _session(Phase.VERIFIED, paused=True), (1152, 768), 200),
    Scene("session-ended", _session(Phase.ENDED, reason=EndReason.STOPPED, by="customer"), (1152, 768), 200),
]
