# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of texts on their way: a reply that waits, the outbox with times, placeholders, the window of templates."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QWidget

from app.domain.ports import Draft, DraftKind, SendOrder, SendWhy, Template
from tests.fakes.commits import FakeCommits
from tests.fakes.queries import NOW_MS, FakeDesk, ticket_id
from tests.widgets.scenes_agent import _scene, _ticket, agent_window
from tests.widgets.screenshots import Scene
from widgets.composer.later import ChooseTime
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
    window.desk.set_priority(window.inbox.current_rows(), 4)
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
    Scene("composer-waiting", _scene(_waiting), (1280, 800), 1200),
    Scene("composer-outbox", _scene(_outbox), (1280, 800), 1200),
    Scene("composer-placeholders", _scene(_filled), (1280, 800), 1200),
    Scene("composer-unfilled", _scene(_unfilled), (960, 600), 1200),
    Scene("composer-canned", _templates(1)),
    Scene("composer-macro", _templates(2)),
    Scene("composer-time", _time),
]
