# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage on which Stop is measured: the real Companion with its windows and its session child, and a real agent.

One session for each process. It says in JSON lines on stdout when pictures flow, and does what stdin asks.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.desktop import keyring_store
from app.domain.assist import Phase, Scope
from app.domain.links import EnrolLink
from app.entry.companion_app import CompanionApp
from app.entry.companion_session import CustomerSession
from tests.fakes import customer_server as fake
from tests.fakes.customer_server import CustomerServer
from tests.widgets.test_companion_program import _Agent
from widgets.foundation import Theme, ThemeMode, load_tokens

_PATIENCE_S = 60.0


def say(**what: Any) -> None:
    """Tell the measuring process."""
    print(json.dumps(what), flush=True)


class Stage:
    """The windows' process of the customer, with server and agent beside it."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self._app = app
        self._server = CustomerServer().start()
        keyring_store._MEMORY_KIB = 1024  # type: ignore[misc]  # what a passphrase costs is measured elsewhere
        theme = Theme(app, load_tokens(), ThemeMode.LIGHT)
        link = EnrolLink(self._server.url, fake.CODE).to_text()
        self.companion = CompanionApp(app, theme, folder, passphrase="a long enough word", enrol_link=link)
        self.agent: _Agent | None = None

    def until(self, done: Callable[[], object]) -> None:
        """Let the windows live until this is so."""
        end = time.monotonic() + _PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError(getattr(done, "__name__", "stage"))
            self._app.processEvents()
            time.sleep(0.002)

    @property
    def session(self) -> CustomerSession:
        session = self.companion.session
        assert session is not None
        return session

    def to_live(self) -> None:
        """Enrol, be asked, allow the whole screen, compare the number."""
        companion = self.companion
        companion.start()
        self.until(lambda: companion.enrol is not None and companion.enrol.page() == "confirm")
        assert companion.enrol is not None
        companion.enrol.yes.click()
        self.until(lambda: companion.home is not None and companion.home.shown is not None)
        companion.invitations.scam_read = True
        self.until(lambda: companion.invitations.revocations is not None and bool(self._server.sockets))
        agent = self.agent = _Agent(self._server)
        agent.invite()
        self.until(lambda: companion.session is not None and companion.session.request is not None)
        request = self.session.request
        assert request is not None
        self.until(request.whole_screen.isEnabled)
        request.whole_screen.click()
        self.until(request.yes.isEnabled)
        QTest.mouseClick(request.yes, Qt.MouseButton.LeftButton)
        self.until(lambda: agent.frames > 0 and self.session.check is not None)
        agent.do(agent.end.confirm_sas_same(True))
        check = self.session.check
        assert check is not None
        next(button for button in check.numbers if button.label() == agent.number).click()
        self.until(lambda: self.session.view.phase is Phase.VERIFIED)

    def tell_live(self) -> None:
        """Say where STOP is, and which process sends."""
        bar = self.session.bar
        assert bar is not None
        ratio = bar.devicePixelRatioF()
        middle: QPoint = bar.stop.mapToGlobal(bar.stop.rect().center())
        at = (round(middle.x() * ratio), round(middle.y() * ratio))
        say(live=True, child=self.session._host.pid, stop=at, bar=int(bar.winId()))

    def serve(self) -> None:
        """Do what is asked until the session is over and the other process says so."""
        orders: list[str] = []
        threading.Thread(target=lambda: orders.extend(iter(sys.stdin.readline, "")), daemon=True).start()
        told = False
        while True:
            self._app.processEvents()
            while orders:
                order = orders.pop(0).strip()
                if order == "revoke":
                    say(at_ns=time.time_ns())
                    self.session._perform(self.session._end.revoke(Scope.VIEW))
                elif order == "leave":
                    return
            if not told and self.session.over:
                told = True
                say(over=True, at_ns=time.time_ns())
            time.sleep(0.001)

    def leave(self) -> None:
        """Take everything down."""
        if self.agent is not None:
            self.agent.close()
        self.companion.leave()
        self._server.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb")
    stage = Stage(QApplication([sys.argv[0]]), folder)
    try:
        stage.to_live()
        stage.tell_live()
        stage.serve()
    finally:
        stage.leave()
    return 0
