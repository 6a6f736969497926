# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's window of `tests.bench.ui`: the real client, a person's input, and when its effect was painted.

Each time runs from the input event to the end of the frame that shows what was asked for, all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QInputMethodEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from app.domain.entities import Category
from app.domain.ids import StateId, TicketId
from app.domain.ports import ViewKey
from app.entry import demo_agent
from app.entry.agent_app import AgentApp
from app.entry.demo_agent import Agent
from app.entry.demo_driver import Step, Steps, pause
from tests.bench._ui_part import FairHeartbeat
from widgets.foundation.turns import is_building

VIEWS = (ViewKey.UNASSIGNED, ViewKey.TEAM, ViewKey.ALL_LIVE, ViewKey.WAITING, ViewKey.SOLVED, ViewKey.MINE)
_REST_S = 0.05
_CALM_S = 0.5


class Frames(QObject):
    """What a window paints: every frame's length, and the frame in which something is there for the first time."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.lengths: list[float] = []
        self.first_at = 0.0
        self.shown_at = 0.0
        self._wanted: Callable[[], bool] | None = None
        self._from = 0.0
        self.took_ms = 0.0

    def watch(self, window: QWidget) -> None:
        """Measure a window: Qt paints all of it that changed when it sends this one event."""
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the window paint, and look at the clock before and after."""
        if event.type() is not QEvent.Type.UpdateRequest:
            return False
        began = time.perf_counter()
        watched.event(event)
        now = time.perf_counter()
        self.lengths.append((now - began) * 1000)
        self.first_at = self.first_at or now
        if self._wanted is not None and self._wanted():
            self._wanted = None
            self.shown_at, self.took_ms = now, (now - self._from) * 1000
        return True

    def wait(self, wanted: Callable[[], bool]) -> Callable[[], bool]:
        """Begin to wait for the frame at whose end `wanted` holds; call just before the input."""
        self._wanted, self._from = wanted, time.perf_counter()
        return lambda: self._wanted is None


class Person(Agent):
    """Looks through lists, tickets and hits; each order answers with its times."""

    def __init__(self, app: AgentApp, first: dict[str, Any]) -> None:
        super().__init__(app, first)
        self.beat = FairHeartbeat(app)
        self.frames = Frames(app)
        self._answered = 0
        app.ready.connect(self._listen)

    def _listen(self) -> None:
        self.beat.start()
        self.frames.watch(self._window)
        self._window.inbox.shown.connect(self._count_answer)

    def _count_answer(self) -> None:
        self._answered += 1

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        orders: dict[str, Step] = {
            "usable": self.usable, "views": self.views, "scroll": self.scroll, "tickets": self.tickets,
            "search": self.search, "change": self.change, "memory": self.memory, "heartbeat": self.heartbeat,
            "beat": self.start_beat,
        }  # fmt: skip
        return {**super().steps(), **orders}

    # --- what is on the screen --------------------------------------------------------------------------------------

    def _rows_shown(self) -> bool:
        """Whether every line of the list that is in sight has its words."""
        window = self._window
        if window.lists.currentWidget() is not window.inbox:
            return False
        inbox, n = window.inbox, window.inbox.model.rowCount()
        if not n:
            return inbox.stack.currentWidget() is inbox.empty
        first = max(0, inbox.list.rowAt(0))
        last = inbox.list.rowAt(inbox.list.viewport().height() - 1)
        ids = [inbox.model.id_at(place) for place in range(first, (last if last >= 0 else n - 1) + 1)]
        return all(i is not None and inbox.model.row_of(i) is not None for i in ids)

    def _is_answered(self, before: int) -> bool:
        """Whether another list came since, and is painted."""
        return self._answered > before and self._rows_shown()

    def _page_shown(self, ticket: TicketId) -> bool:
        """Whether the ticket's conversation fills the pane, or all of it is there."""
        details, conversation = self._window.desk.details, self._window.ticket.conversation
        if details is None or details.row.id != ticket or not conversation.texts():
            return False
        return conversation.area.verticalScrollBar().maximum() > 0 or not is_building()

    # --- orders -----------------------------------------------------------------------------------------------------

    def usable(self) -> Steps:
        """Wait for the first list; answer with the clock at which it and the first frame of all were painted."""
        yield self.frames.wait(lambda: self._answered > 0 and self._rows_shown())
        return {"first_paint": self.frames.first_at, "usable": self.frames.shown_at}

    def start_beat(self) -> Steps:
        """Begin to measure the heartbeat anew, in a window that has come to rest."""
        yield pause(_CALM_S)
        self.beat.start()
        return {}

    def views(self, rounds: int) -> Steps:
        """Go from view to view."""
        times: dict[str, list[float]] = {view.value: [] for view in VIEWS}
        for _round in range(rounds):
            for view in VIEWS:
                self.beat.doing = f"view {view.value}"
                before = self._answered
                done = self.frames.wait(partial(self._is_answered, before))
                self._window.go_to(view)
                yield done
                times[view.value].append(self.frames.took_ms)
                yield pause(_REST_S)
        return {"times": times, "tickets": self._window.inbox.model.rowCount()}

    def scroll(self, events: int, view: str) -> Steps:
        """Turn the wheel over a long list, at times fast; answer with the times to the next frame, and frames."""
        self.beat.doing = "scroll"
        inbox = self._window.inbox
        before = self._answered
        self._window.go_to(ViewKey(view))
        yield partial(self._is_answered, before)
        yield pause(_CALM_S)
        self.frames.lengths.clear()
        times = []
        for number in range(events):
            steps = 1 if number % 40 < 30 else 8
            done = self.frames.wait(lambda: True)
            _wheel(inbox.list.viewport(), -120 * steps)
            yield done
            times.append(self.frames.took_ms)
        done = self.frames.wait(self._rows_shown)
        inbox.list.verticalScrollBar().setValue(inbox.list.verticalScrollBar().maximum() // 2)
        yield done
        far = self.frames.took_ms
        return {"times": times, "frames": list(self.frames.lengths), "far_ms": far, "rows": inbox.model.rowCount()}

    def tickets(self, ids: Sequence[str]) -> Steps:
        """Open tickets, one after the other."""
        times, items = [], 0
        for hexed in ids:
            self.beat.doing = "ticket"
            ticket = TicketId(bytes.fromhex(hexed))
            done = self.frames.wait(partial(self._page_shown, ticket))
            self._window.open_ticket(ticket)
            yield done
            times.append(self.frames.took_ms)
            items = len(self._open.items)
            yield lambda: not is_building()
            yield pause(_REST_S)
        return {"times": times, "items": items}

    def search(self, words: Sequence[Sequence[str]]) -> Steps:
        """Type words, one key (with a syllable of Hangul each) after the other; times from key to hits, per key."""
        field, inbox = self._window.top.search, self._window.inbox
        times, hits = [], {}
        for word in words:
            field.setFocus()
            field.clear()
            yield pause(_CALM_S / 2)
            typed = ""
            for key in word:
                self.beat.doing = f"search {typed}{key}"
                typed += key
                answered = self._answered

                def found(typed: str = typed, answered: int = answered) -> bool:
                    return inbox.search_text() == typed and self._answered > answered and self._rows_shown()

                done = self.frames.wait(found)
                _type(field, key)
                if key == " ":
                    continue
                yield done
                times.append([typed, self.frames.took_ms])
                yield pause(_REST_S)
            hits[typed] = inbox.model.rowCount()
        field.clear()
        return {"times": times, "hits": hits}

    def change(self, rounds: int) -> Steps:
        """Change the state of the open ticket to and fro; times until its page and its line in the list show it."""
        window = self._window
        before = self._answered
        window.go_to(ViewKey.ALL_LIVE)
        yield partial(self._is_answered, before)
        # any of which the rules let it be done: a customer who waits for an answer is not put off
        rows = (window.inbox.model.row_of(i) for i in map(window.inbox.model.id_at, range(40)) if i is not None)
        opened = next(row.id for row in rows if row is not None and not row.unanswered)
        window.open_ticket(opened)
        yield lambda: window.desk.details is not None and window.desk.details.row.id == opened
        yield pause(_CALM_S)
        choices, times = window.desk.choices, []
        states = [s.id for s in choices.states if s.category in (Category.OPEN, Category.WAITING_INTERNAL)]
        for number in range(rounds):
            self.beat.doing = "change"
            row, wanted = self._open.row, states[number % len(states)]
            if row.state == wanted:
                wanted = states[(number + 1) % len(states)]

            def shown(wanted: StateId = wanted, ticket: TicketId = row.id) -> bool:
                line = window.inbox.model.row_of(ticket)
                return self._open.row.state == wanted and line is not None and line.state == wanted

            done = self.frames.wait(shown)
            window.desk.set_state([row], wanted)
            yield done
            times.append(self.frames.took_ms)
            yield pause(_CALM_S)
        return {"times": times}

    def memory(self) -> Steps:
        """How much this process holds, and held at most."""
        yield lambda: True
        lines = Path("/proc/self/status").read_text().splitlines()
        return {"rss_mb": _mb(lines, "VmRSS:"), "peak_mb": _mb(lines, "VmHWM:")}


def _mb(lines: Sequence[str], name: str) -> float:
    found: Iterator[str] = (line for line in lines if line.startswith(name))
    return round(int(next(found).split()[1]) / 1024, 1)


def _type(field: QLineEdit, text: str) -> None:
    """Type a letter, or let an input method give a syllable."""
    if text.isascii():
        QTest.keyClicks(field, text)
        return
    event = QInputMethodEvent()
    event.setCommitString(text)
    QApplication.sendEvent(field, event)


def _wheel(target: Any, delta: int) -> None:
    middle = QPointF(target.rect().center())
    event = QWheelEvent(
        middle, QPointF(target.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(target, event)


def main(argv: list[str]) -> int:
    """Run the window for the benchmark."""
    return demo_agent.main(argv, Person)
