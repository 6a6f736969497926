# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's part of the demo: the real client in a process of its own, and the person who presses its buttons."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.domain.assist import Phase
from app.domain.entities import Category, Priority
from app.domain.ids import TicketId
from app.domain.ports import DraftKind, ItemKind, SyncPhase, TicketDetails, ViewKey
from app.entry.agent import AgentOptions, build_agent
from app.entry.agent_app import AgentApp
from app.entry.demo_driver import Driver, Heartbeat, Step, Steps, pause, save_picture
from widgets.foundation import ThemeMode
from widgets.foundation.chooser import Chooser, Option

if TYPE_CHECKING:  # the program loads them when it starts
    from app.entry.agent_session import AgentSession
    from widgets.shell.window import AgentWindow

ONLINE_REPLY = "안녕하세요. 문의해 주셔서 감사합니다. 같은 증상을 이쪽에서도 확인하고 있습니다."
ONLINE_NOTE = "같은 제품의 지난 문의를 먼저 살펴볼 것."
OFFLINE_REPLY = "말씀하신 화면을 함께 보면서 확인하고 싶습니다. 고객 앱에 요청이 나타나면 보실 창을 골라 주세요."
OFFLINE_NOTE = "지하 사무실이라 연결이 없습니다. 적어 둔 내용은 연결되면 전송됩니다."
OFFLINE_SECOND_NOTE = "펌웨어 2.4.1에서 같은 오류가 있었는지 개발팀에 확인하기."


class Agent:
    """Steps of the agent. Each is a generator that yields what it waits for."""

    def __init__(self, app: AgentApp, first: dict[str, Any]) -> None:
        self._app = app
        self._first = first
        self.beat = Heartbeat(app)
        self._tickets = 0
        self._grants: list[str] = []

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return {
            "sign_in": self.sign_in,
            "open": self.open,
            "work_online": self.work_online,
            "work_offline": self.work_offline,
            "wait_offline": self.wait_offline,
            "wait_sent": self.wait_sent,
            "invite": self.invite,
            "wait_number": self.wait_number,
            "confirm_number": self.confirm_number,
            "watch": self.watch,
            "wait_ended": self.wait_ended,
            "picture": self.picture,
            "history": self.history,
            "heartbeat": self.heartbeat,
        }

    # --- starting ---------------------------------------------------------------------------------------------------

    def sign_in(self, least: int) -> Steps:
        """Fill the sign-in window, and wait for the list and then for all tickets, `least` of them."""
        app = self._app
        yield lambda: app.sign_in is not None
        window = app.sign_in
        assert window is not None  # noqa: S101  # waited for
        for field, key in ((window.server, "server"), (window.login, "login"), (window.password, "password")):
            field.setText(self._first[key])
        pressed = time.monotonic()
        window.submit.click()
        yield lambda: app.window is not None and app.window.isVisible()
        self.beat.start()
        self.beat.doing = "first_list"
        model = self._window.inbox.model
        yield lambda: model.rowCount() > 0 and model.row_of(model.id_at(0) or TicketId(b"")) is not None
        first_list_ms = round((time.monotonic() - pressed) * 1000)
        opening = self.beat.result()["max"]
        self.beat.start()
        self.beat.doing = "first_load"
        yield lambda: self._all_synced(least)
        synced_ms = round((time.monotonic() - pressed) * 1000)
        return {
            "figures": {
                "tickets_synced": self._tickets,
                "first_list_ms": first_list_ms,
                "all_synced_ms": synced_ms,
                "opening_longest_gap_ms": opening,
            }
        }

    def _all_synced(self, least: int) -> bool:
        app = self._app
        if app.profile is None or app.status.phase is not SyncPhase.LIVE:
            return False
        queries = app.profile.queries
        app.jobs.query(queries.counts, self._counted, lambda _error: None, key="demo.counts")
        return self._tickets >= least

    def _counted(self, counts: Any) -> None:
        self._tickets = counts[ViewKey.ALL]

    # --- working ----------------------------------------------------------------------------------------------------

    def open(self, ticket: str) -> Steps:
        """Choose the ticket in the list of all open tickets, and read it."""
        window, wanted = self._window, TicketId(bytes.fromhex(ticket))
        window.go_view(ViewKey.ALL_LIVE)
        model = window.inbox.model
        yield lambda: self._place(wanted) is not None
        window.inbox.list.setCurrentIndex(model.index(self._place(wanted) or 0))
        yield lambda: self._details is not None and self._details.row.id == wanted
        details = self._details
        assert details is not None  # noqa: S101  # waited for
        return {"label": details.row.label, "messages": len(details.items)}

    def _place(self, wanted: TicketId) -> int | None:
        model = self._window.inbox.model
        return next((place for place in range(model.rowCount()) if model.id_at(place) == wanted), None)

    def work_online(self) -> Steps:
        """Write a reply and an internal note."""
        yield from self._write(DraftKind.REPLY, ONLINE_REPLY)
        yield from self._write(DraftKind.NOTE, ONLINE_NOTE)
        return {}

    def work_offline(self) -> Steps:
        """Reply, note twice, change state, priority, owner and a tag; each must show before the next."""
        ticket = self._open.row.id
        choices = self._window.desk.choices
        yield from self._write(DraftKind.REPLY, OFFLINE_REPLY)
        yield from self._write(DraftKind.NOTE, OFFLINE_NOTE)
        yield from self._write(DraftKind.NOTE, OFFLINE_SECOND_NOTE)
        priority = Priority.URGENT if self._open.row.priority != Priority.URGENT else Priority.HIGH
        yield from self._choose(self._window.ticket.header.priority, lambda o: o.value == priority)
        yield lambda: self._open.row.priority == priority
        waiting = {s.id for s in choices.states if s.category is Category.WAITING_CUSTOMER}
        yield from self._choose(self._window.ticket.header.state, lambda o: o.value in waiting)
        yield lambda: self._open.row.category is Category.WAITING_CUSTOMER
        before = self._open.row.owner
        yield from self._choose(self._window.ticket.header.owner, lambda o: o.value not in (before, None))
        yield lambda: self._open.row.owner != before
        tags = set(self._open.tags)
        yield from self._choose(self._window.ticket.header.tags, lambda o: o.value not in tags, stays=True)
        yield lambda: set(self._open.tags) != tags
        yield lambda: self._app.status.waiting >= 7  # one for each edit above
        row, texts = self._open.row, [OFFLINE_REPLY, OFFLINE_NOTE, OFFLINE_SECOND_NOTE]
        shown = {item.body for item in self._open.items}
        return {
            "edits": 7,
            "visible": all(text in shown for text in texts),
            "texts": texts,
            "ticket": ticket.hex(),
            "fields": {
                "priority": row.priority, "state": row.state.hex(), "owner": row.owner.hex() if row.owner else None,
            },
            "strip": self._window.strip.words.text(),
            "waiting": self._app.status.waiting,
        }  # fmt: skip

    def _write(self, kind: DraftKind, text: str) -> Steps:
        composer = self._window.ticket.composer
        button = composer.reply_button if kind is DraftKind.REPLY else composer.note_button
        button.click()
        yield lambda: composer.kind() is kind
        sheet = composer.sheets[kind]
        sheet.edit.setPlainText(text)
        yield pause(0.05)
        sheet.send.click()
        wanted = ItemKind.REPLY if kind is DraftKind.REPLY else ItemKind.NOTE
        yield lambda: any(item.kind is wanted and item.body == text for item in self._open.items)
        yield lambda: composer.kind() is None
        return {}

    def _choose(self, button: QWidget, fits: Callable[[Option], bool], *, stays: bool = False) -> Steps:
        """Open a picker by its button, go to the first option that fits, and press Enter."""
        button.click()  # type: ignore[attr-defined]  # every anchor is a button
        yield lambda: self._chooser() is not None
        chooser = self._chooser()
        assert chooser is not None  # noqa: S101  # waited for
        place = next(i for i, option in enumerate(chooser.model.options) if option.enabled and fits(option))
        chooser.list.setCurrentIndex(chooser.model.index(place))
        enter = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(chooser.field, enter)
        if stays:
            chooser.close()
        yield lambda: self._chooser() is None
        return {}

    def _chooser(self) -> Chooser | None:
        found = [c for c in self._window.findChildren(Chooser) if c.isVisible()]
        return found[0] if found else None

    def wait_offline(self) -> Steps:
        """Wait until the strip says that the line is gone."""
        yield lambda: self._app.status.phase is SyncPhase.OFFLINE
        return {"strip": self._window.strip.words.text()}

    def wait_sent(self) -> Steps:
        """Wait until the server has everything."""
        yield lambda: self._app.status.phase is SyncPhase.LIVE and self._app.status.waiting == 0
        return {"strip": self._window.strip.words.text()}

    # --- the session ------------------------------------------------------------------------------------------------

    def invite(self) -> Steps:
        """Press the button that asks to see the screen, once no session stands that it would bring to the front."""
        before = self._session
        yield lambda: before is None or before.over
        self._window.ticket.header.see.click()
        yield lambda: self._session is not before and self._session is not None and self._asked(self._session)
        return {}

    @staticmethod
    def _asked(session: AgentSession) -> bool:
        """Whether the customer is asked. One that will never be asked must not be waited for."""
        if session.info.invited is not None:
            return True
        why = session.info.problem or session.info.view.reason
        assert not session.over, f"nobody was asked: {why}"  # noqa: S101  # the answer to the order
        return False

    def wait_number(self) -> Steps:
        """Read the check number that the agent reads aloud."""
        session = self._running
        yield lambda: bool(session.info.check_number) and session.measured.frames > 0
        return {"number": session.info.check_number}

    def confirm_number(self) -> Steps:
        """Press the button that says: the customer found the number."""
        flow, session = self._window.flow, self._running
        assert flow is not None and flow.session is not None  # noqa: S101, PT018  # a session runs
        flow.session.same.click()
        yield lambda: session.info.view.phase is Phase.VERIFIED
        return {}

    def watch(self, seconds: float) -> Steps:
        """Look at the picture for a while."""
        yield pause(seconds)
        self._grants = [scope.value for scope in self._running.info.view.grants]
        return {}

    def wait_ended(self, look_s: float) -> Steps:
        """Wait for the end, then look a little longer whether any picture still comes."""
        session = self._running
        yield lambda: session.over
        before = session.measured.frames
        yield pause(look_s)
        view, measured = session.info.view, session.measured
        stats, first = measured.stats, measured.first_frame_ms
        to_first = first - measured.consented_ms if first and measured.consented_ms else None
        lasted_ms = measured.ended_ms - first if first and measured.ended_ms else 0
        received = int(stats.get("frames_received", 0))
        figures = {
            "ticket": session.info.ticket_label,
            "granted_scopes": self._grants,
            "time_to_first_frame_ms": to_first,
            "frames": max(received, measured.frames),
            "frames_drawn": measured.frames,
            "fps": round(received / lasted_ms * 1000, 1) if lasted_ms else 0.0,
            "latency_ms": {"p50": stats.get("latency_p50_ms"), "p95": stats.get("latency_p95_ms")},
            "verified": bool(session.info.claimed and session.info.check_number),
            "ended_by": view.by,
            "end_reason": view.reason.value if view.reason else None,
            "seconds": round(lasted_ms / 1000, 1),
            "frames_after_stop": measured.frames_after_end + measured.frames - before,
        }
        return {"figures": figures}

    def picture(self, path: str, shows: str) -> Steps:
        """Save a picture of the main window or of the session's."""
        widget: QWidget = self._window
        flow = self._window.flow
        if shows == "session" and flow is not None:
            widget = flow.session or flow.invitation or self._window
        yield pause(0.1)
        with self.beat.away():
            save_picture(widget, Path(path))
        yield lambda: Path(path).exists()
        return {}

    def history(self, ended: bool) -> Steps:
        """Wait until the ticket tells of the session's end, and return its history's kinds in order."""
        yield lambda: not ended or any(item.event in ("session.end", "session.receipt") for item in self._open.items)
        yield lambda: self._app.status.waiting == 0
        return {"kinds": [item.event for item in self._open.items if item.kind is ItemKind.EVENT]}

    def heartbeat(self) -> Steps:
        """Return how evenly the GUI thread ran."""
        yield lambda: True
        return {"figures": self.beat.result()}

    # --- what is there ----------------------------------------------------------------------------------------------

    @property
    def _window(self) -> AgentWindow:
        assert self._app.window is not None  # noqa: S101  # waited for in sign_in
        return self._app.window

    @property
    def _details(self) -> TicketDetails | None:
        return self._window.desk.details

    @property
    def _open(self) -> TicketDetails:
        details = self._details
        assert details is not None  # noqa: S101  # waited for in open
        return details

    @property
    def _session(self) -> AgentSession | None:
        desk = self._app.desk
        return desk.sessions[-1] if desk is not None and desk.sessions else None

    @property
    def _running(self) -> AgentSession:
        session = self._session
        assert session is not None  # noqa: S101  # waited for in invite
        return session


def main(argv: list[str], person: Callable[[AgentApp, dict[str, Any]], Agent] = Agent) -> int:
    """Run the agent client for the demo. The first line of standard input holds the secrets of this run."""
    parser = argparse.ArgumentParser(prog="deskside demo --part agent")
    parser.add_argument("--profile", type=Path, required=True)
    parser.add_argument("--lang", default="system")
    parser.add_argument("--theme", default="system")
    options = parser.parse_args(argv)
    first = json.loads(sys.stdin.readline())
    agent = build_agent(
        AgentOptions(
            data=options.profile,
            passphrase=first["passphrase"],
            language=options.lang,
            theme=ThemeMode(options.theme),
        )
    )
    played = person(agent, first)
    Driver(played.steps(), agent.leave, agent, played.beat)
    agent.start()
    return agent.run()
