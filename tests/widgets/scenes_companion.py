# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the customer's windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.domain.assist import PromptInfo, Question, Scope, TargetChoice
from app.domain.callbacks import SLOT_MS
from app.domain.enrolment_file import Origin
from tests.widgets.screenshots import Scene
from widgets.companion.bar import SharingBar
from widgets.companion.code import CodeWindow
from widgets.companion.compose import AskWindow, TicketWindow
from widgets.companion.enrol import EnrolWindow, PassphraseWindow
from widgets.companion.home import HomeWindow
from widgets.companion.model import (
    Acknowledged,
    AssetLine,
    CallLine,
    EndedView,
    HomeView,
    Hours,
    Line,
    LineState,
    MessageLine,
    Organisation,
    RequestLine,
    RequestState,
    TicketLine,
)
from widgets.companion.permission import PermissionWindow
from widgets.companion.request import RequestWindow, ScamWindow
from widgets.companion.session import CheckNumberWindow, EndedWindow, QuestionWindow
from widgets.companion.texts import trouble
from widgets.foundation import Theme

_NOW_MS = int(datetime(2026, 11, 23, 5, 42, tzinfo=UTC).timestamp() * 1000)
_MIN = 60_000
_KEY = "7F3A 21C0 9B5D E810 44AC 3F72 D90E 615B"


def _ko() -> bool:
    return language() == "ko"


def _t(ko: str, en: str) -> str:
    return ko if _ko() else en


def sample_home() -> HomeView:
    """A home as a customer of a maker of label printers sees it."""
    day = _NOW_MS // 1000
    replied = MessageLine(
        False,
        _t("김지우", "Kim Jiwoo"),
        _t(
            "보내 주신 사진을 확인했습니다. 펌웨어 2.4에서 고쳐진 증상으로 보입니다. 화면을 함께 볼 수 있을까요?",
            "Thank you for the picture. This looks like what firmware 2.4 mends. May we look at it together?",
        ),
        _NOW_MS - 9 * _MIN,
    )
    asked = MessageLine(
        True,
        _t("박민수", "Park Minsu"),
        _t(
            "라벨을 인쇄하면 2쪽 뒤에 멈춥니다. 어제 오후부터 그렇습니다.",
            "Labels stop after page 2. It has been so since yesterday afternoon.",
        ),
        _NOW_MS - 55 * _MIN,
    )
    return HomeView(
        organisation=_t("한빛 고객지원", "Hanbit Support"),
        customer=_t("박민수", "Park Minsu"),
        phone="02-555-0100",
        mail="support@hanbit.example",
        hours=Hours(((day - 20_520, day + 11_880),)),  # 09:00 to 18:00 in Seoul
        assets=(
            AssetLine(
                "a1",
                _t("라벨 프린터", "Label printer"),
                "PX-200",
                "88-1032",
                "2027-03-31",
                _t("전화, 화면 지원, 부품 교체 포함", "Phone, screen support and parts included"),
                _t("이후에는 건별 또는 연간 요금제", "Then per case or yearly plan"),
            ),
        ),
        tickets=(
            TicketLine(
                "t1",
                4182,
                _t("프린터가 2쪽 뒤에 멈춥니다", "Printer stops after page 2"),
                "open",
                _t("처리 중", "Open"),
                _NOW_MS - 9 * _MIN,
                (asked, replied),
            ),
            TicketLine(
                "t2",
                4101,
                _t("라이선스를 새 PC로 옮기고 싶습니다", "Moving the licence to a new PC"),
                "solved",
                _t("해결됨", "Solved"),
                _NOW_MS - 2900 * _MIN,
            ),
        ),
        as_of_ms=_NOW_MS,
    )


def _home(theme: Theme) -> HomeWindow:
    window = HomeWindow(theme, lambda: _NOW_MS)
    window.may_close = True
    window.show_home(sample_home())
    window.show_line(LineState(Line.ONLINE, _NOW_MS))
    return window


def _home_offline(theme: Theme) -> QWidget:
    window = _home(theme)
    subject = _t("급지함을 새로 주문하고 싶습니다", "Ordering a new paper tray")
    window.show_requests((RequestLine("r1", subject, RequestState.WAITING, _NOW_MS - 3 * _MIN),))
    window.show_line(LineState(Line.OFFLINE, _NOW_MS - 12 * _MIN, "server_unreachable", 1))
    return window


def _home_empty(theme: Theme) -> QWidget:
    window = HomeWindow(theme, lambda: _NOW_MS)
    window.may_close = True
    window.show_line(LineState(Line.CONNECTING, _NOW_MS))
    window.show_notice(trouble("store_damaged", kept="companion.broken.db"), "danger")
    return window


def _ask(theme: Theme) -> QWidget:
    return AskWindow(theme, sample_home().assets, lambda: _NOW_MS, online=False)


def _ticket(theme: Theme) -> QWidget:
    return TicketWindow(theme, sample_home().tickets[0], lambda: _NOW_MS)


def sample_calling() -> TicketLine:
    """A request that was just acknowledged, with half hours to choose from."""
    first = -(-_NOW_MS // SLOT_MS) * SLOT_MS
    usual = (_NOW_MS // 1000 + 2400) // 300 * 300
    return replace(
        sample_home().tickets[0],
        messages=sample_home().tickets[0].messages[:1],
        acknowledged=Acknowledged(_t("박민수 님", "Park Minsu"), "answers", usual, usual + 3000, offers_call=True),
        slots=tuple(first + n * SLOT_MS for n in range(8)),
        phone="+821023456789",
    )


def _called(theme: Theme, state: str, *, pending: bool = False) -> QWidget:
    ticket = sample_calling()
    call = CallLine("c1", state, ticket.slots[2], ticket.phone, owed=True, pending=pending)
    return TicketWindow(theme, replace(ticket, calls=(call,)), lambda: _NOW_MS)


def _choosing(theme: Theme) -> QWidget:
    window = TicketWindow(theme, sample_calling(), lambda: _NOW_MS)
    window.calls.choose()
    return window


def _asked(theme: Theme) -> QWidget:
    return TicketWindow(theme, replace(sample_home().tickets[0], asked=True), lambda: _NOW_MS)


def _enrol(theme: Theme) -> QWidget:
    window = EnrolWindow(theme)
    window.show_problem(trouble("code_used"))
    return window


def _enrol_confirm(theme: Theme) -> QWidget:
    window = EnrolWindow(theme)
    name = _t("한빛 고객지원", "Hanbit Support")
    window.show_organisation(Organisation(name, _KEY, "https://help.hanbit.example"))
    return window


def _enrol_by_file(theme: Theme) -> QWidget:
    window = EnrolWindow(theme)
    name = _t("한빛 고객지원", "Hanbit Support")
    window.show_organisation(Organisation(name, _KEY, "https://help.hanbit.example"), Origin.FILE, key_named=True)
    return window


def _passphrase(theme: Theme) -> QWidget:
    return PassphraseWindow(theme, first=True)


def sample_desktop() -> QImage:
    """A drawn desktop window, so that the preview has something to show."""
    image = QImage(1280, 800, QImage.Format.Format_RGB32)
    image.fill(QColor("#dfe5ec"))
    painter = QPainter(image)
    painter.fillRect(0, 0, 1280, 44, QColor("#2f3b4c"))
    painter.setPen(QColor("#ffffff"))
    font = painter.font()
    font.setPixelSize(20)
    painter.setFont(font)
    painter.drawText(24, 30, _t("프린터 설정", "Printer settings"))
    painter.setPen(QColor("#1b1e23"))
    for place, text in enumerate(("PX-200", "USB001", "Firmware 2.3.1", "A6 · 105 x 148 mm", "300 dpi")):
        painter.fillRect(QRect(60, 90 + 110 * place, 1160, 86), QColor("#ffffff"))
        painter.drawText(90, 142 + 110 * place, text)
    painter.end()
    return image


def sample_prompt() -> PromptInfo:
    """A request two minutes from its end."""
    return PromptInfo(
        agent_name=_t("김지우", "Kim Jiwoo"),
        agent_team=_t("기술지원 1팀", "Team 1"),
        organisation=_t("한빛 고객지원", "Hanbit Support"),
        key_mark=_KEY,
        ticket_no="4182",
        subject=_t("프린터가 2쪽 뒤에 멈춥니다", "Printer stops after page 2"),
        scope=Scope.VIEW,
        expires_ms=114_000,
        hard_limit_s=3600,
    )


def _request(theme: Theme) -> RequestWindow:
    image = sample_desktop()
    clock = [0]
    window = RequestWindow(theme, sample_prompt(), lambda: clock[0], lambda: image)
    window.show_targets(
        (
            TargetChoice("w1", "window", _t("프린터 설정", "Printer settings"), (0, 0, 1280, 800)),
            TargetChoice("w2", "window", _t("메모장", "Notes"), (0, 0, 800, 600)),
            TargetChoice("screen:0", "screen", "DP-1", (0, 0, 1920, 1080)),
        )
    )
    clock[0] = 2000
    window.picture_arrived()
    return window


def _request_waiting(theme: Theme) -> QWidget:
    window = RequestWindow(theme, sample_prompt(), lambda: 0, lambda: None, hotkey_works=False)
    window.show_targets(())
    window.show_problem(trouble("no_permission"))
    return window


def _scam(theme: Theme) -> QWidget:
    return ScamWindow(theme)


def _check(theme: Theme) -> QWidget:
    return CheckNumberWindow(theme, _t("김지우", "Kim Jiwoo"), ("118 240", "482 917", "903 655"))


def _question(theme: Theme) -> QWidget:
    return QuestionWindow(theme, Question.CONTINUE, _t("김지우", "Kim Jiwoo"), 60_000, lambda: 8_000)


def _permission(theme: Theme) -> QWidget:
    clock = [0]
    who = _t("김지우", "Kim Jiwoo"), _t("한빛 고객지원", "Hanbit Support")
    why = _t("드라이버 설정 단추를 알려 드리려고 합니다", "to show you the button for the driver")
    window = PermissionWindow(theme, Scope.POINTER, who, why, 112_000, lambda: clock[0])
    clock[0] = 2000
    window._count()
    return window


def _bar(theme: Theme, number: str = "482 917", paused: bool = False, grants: tuple[Scope, ...] = ()) -> SharingBar:
    bar = SharingBar(theme, _t("김지우", "Kim Jiwoo"), _t("한빛 고객지원", "Hanbit Support"))
    bar.setWindowFlags(Qt.WindowType.Widget)
    target = _t("프린터 설정", "Printer settings")
    bar.show_sharing(target, paused=paused, lost=False, number=number, live=True, grants=grants)
    bar.clock.setText("12:41")
    return bar


def _bar_paused(theme: Theme) -> QWidget:
    return _bar(theme, "", paused=True)


def _bar_pointing(theme: Theme) -> QWidget:
    return _bar(theme, grants=(Scope.VIEW, Scope.POINTER))


def _ended(theme: Theme) -> QWidget:
    window = EndedWindow(
        theme,
        EndedView(
            agent=_t("김지우", "Kim Jiwoo"),
            organisation=_t("한빛 고객지원", "Hanbit Support"),
            ticket_no="#4182",
            started_ms=_NOW_MS - 14 * _MIN,
            ended_ms=_NOW_MS,
            reason="stopped/customer",
            seen=_t("프린터 설정", "Printer settings"),
            paused_s=62,
            verified=True,
            frames=8123,
            allowed=(Scope.POINTER,),
        ),
    )
    window.receipt_ready()
    return window


def _code(theme: Theme) -> QWidget:
    window = CodeWindow(theme)
    window.show_problem(trouble("bad_code"))
    return window


SCENES = [
    Scene("companion-home", _home, (480, 760), contrast=True),
    Scene("companion-home-small", _home, (360, 640)),
    Scene("companion-home-offline", _home_offline, (480, 820)),
    Scene("companion-home-empty", _home_empty, (480, 700)),
    Scene("companion-ask", _ask),
    Scene("companion-ticket", _ticket),
    Scene("companion-ticket-asked", _asked),
    Scene("companion-ticket-acknowledged", lambda theme: TicketWindow(theme, sample_calling(), lambda: _NOW_MS)),
    Scene("companion-call-choose", _choosing),
    Scene("companion-call-confirmed", lambda theme: _called(theme, "confirmed")),
    Scene("companion-call-offline", lambda theme: _called(theme, "requested", pending=True)),
    Scene("companion-call-missed", lambda theme: _called(theme, "missed")),
    Scene("companion-code", _code),
    Scene("companion-enrol", _enrol),
    Scene("companion-enrol-confirm", _enrol_confirm),
    Scene("companion-enrol-file", _enrol_by_file),
    Scene("companion-passphrase", _passphrase),
    Scene("companion-scam", _scam),
    Scene("companion-request", _request, contrast=True),
    Scene("companion-request-problem", _request_waiting),
    Scene("companion-check-number", _check),
    Scene("companion-question", _question),
    Scene("companion-bar", _bar, contrast=True),
    Scene("companion-bar-paused", _bar_paused),
    Scene("companion-bar-pointing", _bar_pointing),
    Scene("companion-permission", _permission, contrast=True),
    Scene("companion-ended", _ended),
]
