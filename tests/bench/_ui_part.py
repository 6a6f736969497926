# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's window of `tests.bench.ui_during_sync`: the real client with a person who reads while it loads."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from app.domain.ports import SyncPhase, ViewKey
from app.entry import demo_agent
from app.entry.agent_app import AgentApp
from app.entry.demo_agent import Agent
from app.entry.demo_driver import Heartbeat, Step, Steps, pause

_LOOK_S = 0.4


class FairHeartbeat(Heartbeat):
    """Also tells each gap without the time in which the GUI thread was ready to run but got no processor.

    That part belongs to the machine (other programs, too few cores), the rest to this program.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._own: list[float] = []
        self._before = (time.perf_counter(), _queued_ms())

    def start(self) -> None:
        """Begin to measure, anew."""
        self._own.clear()
        self._before = (time.perf_counter(), _queued_ms())
        super().start()

    def _beat(self) -> None:
        super()._beat()
        at, queued = time.perf_counter(), _queued_ms()
        self._own.append(max(0.0, (at - self._before[0]) * 1000 - (queued - self._before[1])))
        self._before = (at, queued)

    def result(self) -> dict[str, Any]:
        """Figures of Heartbeat, and p99 and longest gap of this program's own making."""
        own = sorted(self._own) or [0.0]
        p99 = own[min(len(own) - 1, int(len(own) * 0.99))]
        return super().result() | {"own_p99": round(p99, 2), "own_max": round(own[-1], 2)}


def _queued_ms() -> float:
    """How long this thread has waited for a processor so far; 0 where the system does not tell."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e6
    except OSError:
        return 0.0


class Reader(Agent):
    """Signs in, then opens one ticket after the other until everything is here."""

    def __init__(self, app: AgentApp, first: dict[str, Any]) -> None:
        super().__init__(app, first)
        self.beat = FairHeartbeat(app)

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return {**super().steps(), "start": self.begin, "read": self.read}

    def begin(self) -> Steps:
        """Sign in and wait for the first list; the heartbeat is that of the window's opening."""
        app = self._app
        yield lambda: app.sign_in is not None
        window = app.sign_in
        assert window is not None
        for field, key in ((window.server, "server"), (window.login, "login"), (window.password, "password")):
            field.setText(self._first[key])
        window.submit.click()
        yield lambda: app.window is not None and app.window.isVisible()
        self.beat.start()
        self.beat.doing = "opening"
        self._window.go_view(ViewKey.ALL_LIVE)
        yield lambda: self._window.inbox.model.rowCount() > 0
        return {"figures": self.beat.result()}

    def read(self) -> Steps:
        """Open tickets and scroll while the rest is loaded; what was measured is the heartbeat until then."""
        app, inbox, opened = self._app, self._window.inbox, 0
        self.beat.start()
        self.beat.doing = "loading"
        while app.status.phase is not SyncPhase.LIVE:
            rows = inbox.model.rowCount()
            if rows:
                inbox.list.setCurrentIndex(inbox.model.index(opened * 7 % min(rows, 500)))
                opened += 1
            yield pause(_LOOK_S)
        return {"figures": self.beat.result() | {"opened": opened}}


def main(argv: list[str]) -> int:
    """Run the window for the benchmark."""
    return demo_agent.main(argv, Reader)
