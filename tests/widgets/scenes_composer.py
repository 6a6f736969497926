# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of texts on their way: a reply that waits, the outbox with times, placeholders, the window of templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from app.domain.attachments import Attachment
from app.domain.formatting import Look, Mark, Rich
from app.domain.ports import Draft, DraftKind, SendOrder, SendWhy, Template
from app.services.finished_reply import finish
from tests.fakes.commits import FakeCommits
from tests.fakes.queries import NOW_MS, FakeDesk, ticket_id
from tests.widgets.scenes_agent import _scene, _ticket, agent_window
from tests.widgets.screenshots import Scene
from widgets.composer.format_bar import AskLink
from widgets.composer.later import ChooseTime
from widgets.composer.preview import PreviewWindow
from widgets.composer.templates_window import TemplatesWindow
from widgets.foundation import Theme
from widgets.shell.window import AgentWindow

TEXT = "{{customer.name}} 님, 안녕하세요.\n\n{{ticket.number}} 문의에 답변드립니다. 펌웨어 2.4.3을 설치해 주세요."
TEMPLATES = [
    Template(b"1" * 16, "canned", {"ko": "인사", "en": "Greeting"}, "공통", {"ko": TEXT}, (), "me", None, None, 0),
    Template(b"2" * 16, "canned", {"ko": "펌웨어", "en": "Firmware"}, "프린터", {"ko": TEXT}, (), "me", None, None, 1),
    Template(
        b"3" * 16, "macro", {"ko": "해결하고 마무리", "en": "Wrap up"}, "", {"ko": TEXT},
        (("state", "solved"), ("priority", 2), ("note", "펌웨어 안내함")), "me", None, None, 0,
    ),
]  # fmt: skip


def _plan(commits: FakeCommits, n: int, minutes: int, why: SendWhy) -> None:
    order = SendOrder(NOW_MS + minutes * 60_000, why, "답변", bytes(16), bytes(16))
    commits.save_draft(Draft(ticket_id(n), DraftKind.REPLY, "답변", 2, 99, NOW_MS, send=order))


def _waiting(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _plan(commits, 0, 21 * 60, SendWhy.LATER)
    window.writing.start()
    _ticket(window, desk, commits)


def _outbox(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    _plan(commits, 1, 21 * 60, SendWhy.LATER)
    _plan(commits, 3, 0, SendWhy.STOPPED)
    _plan(commits, 0, 1, SendWhy.UNDO)
    window.writing.start()
    window.desk.set_priority(window.deeds.picked(), 4)
    window.go_outbox()


def _filled(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    commits.save_draft(Draft(ticket_id(0), DraftKind.REPLY, TEXT, 3, 3, NOW_MS))
    _ticket(window, desk, commits)
    window.ticket.composer.write(DraftKind.REPLY)


def _unfilled(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    commits.save_draft(Draft(ticket_id(0), DraftKind.REPLY, "{{customer.nmae}} 님, 안녕하세요.", 3, 3, NOW_MS))
    _ticket(window, desk, commits)
    window.ticket.composer.write(DraftKind.REPLY)
    window.ticket.composer.send()


FORMATTED = Rich(
    "{{customer.name}} 님, 안녕하세요.\n\n꼭 이 순서로 해 주세요:\n1. 프린터를 끕니다.\n2. fw-2.4.3.bin을 설치합니다.\n"
    "> 두 쪽 뒤에 멈춰요\n설명서를 보시면 됩니다.",
    (
        Mark(30, 34, Look.BOLD), Mark(60, 72, Look.MONO),
        Mark(94, 97, Look.LINK, "https://example.com/guide"),
    ),
)  # fmt: skip


def _formatted(window: AgentWindow, desk: FakeDesk, commits: FakeCommits) -> None:
    commits.save_draft(Draft(ticket_id(0), DraftKind.REPLY, FORMATTED.text, 32, 3, NOW_MS, marks=FORMATTED.marks))
    _ticket(window, desk, commits)
    window.ticket.composer.write(DraftKind.REPLY)


def _preview(theme: Theme) -> QWidget:
    owner, _desk, _commits = agent_window(theme)
    owner.open_ticket(ticket_id(0))
    details = owner.desk.details
    assert details is not None
    signature = "누리봄 고객지원 김지우 드림\n02-000-0000 / help@example.com"
    file = Attachment(sha256=bytes(32), size_bytes=340_000, filename="설치 안내.png", media_type="image/png")
    mail = replace(details, channel="mail")
    dialog = PreviewWindow(theme, mail, finish(mail, FORMATTED, "김지우", signature), [file])
    dialog.setProperty("owner", owner)
    return dialog


def _link(theme: Theme) -> QWidget:
    return AskLink(theme, "설명서", "")


def _templates(row: int) -> Callable[[Theme], QWidget]:
    def build(theme: Theme) -> QWidget:
        owner, _desk, _commits = agent_window(theme)
        dialog = TemplatesWindow(theme, owner.desk.choices, owner.identity)
        dialog.show_templates(TEMPLATES)
        dialog.list.setCurrentRow(row)
        dialog.setProperty("owner", owner)
        return dialog

    return build


def _time(theme: Theme) -> QWidget:
    window = ChooseTime(theme, NOW_MS)
    window.move(QPoint(0, 0))
    return window


SCENES = [
    Scene("composer-waiting", _scene(_waiting), (1280, 800), 60),
    Scene("composer-outbox", _scene(_outbox), (1280, 800), 60),
    Scene("composer-placeholders", _scene(_filled), (1280, 800), 60),
    Scene("composer-unfilled", _scene(_unfilled), (960, 600), 60),
    Scene("composer-formatted", _scene(_formatted), (1280, 800), 1200),
    Scene("composer-formatted-small", _scene(_formatted), (960, 600), 1200),
    Scene("composer-preview", _preview),
    Scene("composer-link", _link),
    Scene("composer-canned", _templates(1)),
    Scene("composer-macro", _templates(2)),
    Scene("composer-time", _time),
]
