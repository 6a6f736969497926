# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's part of the demo: the real companion in its own process, and the person who presses its buttons."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QAbstractButton, QWidget

from app.domain.assist import Phase
from app.entry.companion import CompanionOptions, build_companion
from app.entry.companion_app import CompanionApp
from app.entry.companion_session import CustomerSession
from app.entry.demo_driver import Driver, Step, Steps, pause, save_picture
from widgets.foundation import ThemeMode

_NICE = 5


class Customer:
    """Steps of the customer. Each is a generator that yields what it waits for."""

    def __init__(self, app: CompanionApp) -> None:
        self._app = app

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return {
            "enrol": self.enrol,
            "wait_prompt": self.wait_prompt,
            "refuse": self.refuse,
            "allow": self.allow,
            "pick_number": self.pick_number,
            "stop": self.stop,
            "close_summary": self.close_summary,
        }

    def enrol(self) -> Steps:
        """Confirm the organisation's key, and wait for Home with what the server says."""
        app = self._app
        yield lambda: app.enrol is not None and app.enrol.page() == "confirm"
        assert app.enrol is not None  # noqa: S101  # waited for
        press(app.enrol.yes)
        yield lambda: app.home is not None and app.home.shown is not None and bool(app.home.shown.tickets)
        yield lambda: app.online
        return {}

    def wait_prompt(self, path: str) -> Steps:
        """Read the warning, then the request, until its preview shows; take its picture."""
        app = self._app
        yield lambda: app.session is not None and (app.session.scam is not None or app.session.request is not None)
        session = self._session()
        if session.scam is not None:
            scam = session.scam
            yield scam.yes.isEnabled
            press(scam.yes)
        yield lambda: session.request is not None
        request = session.request
        assert request is not None  # noqa: S101  # waited for
        yield lambda: request.chosen_target() is not None
        if request.screens.count():
            # the demo shares a whole screen (or the drawn target); a person would often choose one window
            press(request.whole_screen)
        yield lambda: request.preview.has_picture() and request.yes.isEnabled()
        yield pause(0.3)
        save_picture(request, Path(path))
        prompt = request.prompt
        return {
            "prompt": {
                "agent": prompt.agent_name,
                "organisation": prompt.organisation,
                "ticket": prompt.ticket_no,
                "subject": prompt.subject,
                "scope": prompt.scope.value,
            }
        }

    def refuse(self) -> Steps:
        """Press Don't allow."""
        session = self._session()
        assert session.request is not None  # noqa: S101  # waited for before
        press(session.request.no)
        yield lambda: session.over
        return {}

    def allow(self) -> Steps:
        """Press Allow looking, and wait until the picture may pass."""
        session = self._session()
        request = session.request
        assert request is not None  # noqa: S101  # waited for before
        target = request.chosen_target()
        press(request.yes)
        yield lambda: session.view.live or session.over
        shown = None if target is None else {"kind": target.kind, "title": target.title, "size": list(target.rect[2:])}
        return {"target": shown}

    def pick_number(self, number: str) -> Steps:
        """Press the number that was read aloud."""
        session = self._session()
        yield lambda: session.check is not None and session.check.isVisible()
        assert session.check is not None  # noqa: S101  # waited for
        press(next(button for button in session.check.numbers if button.text() == number))
        yield lambda: True
        return {}

    def stop(self) -> Steps:
        """Press STOP on the bar."""
        session = self._session()
        assert session.bar is not None  # noqa: S101  # it stands while something is shared
        press(session.bar.stop)
        yield lambda: session.over and session.view.phase is Phase.ENDED
        yield pause(0.2)
        return {"frames_sent": session.frames}

    def close_summary(self) -> Steps:
        """Close the summary of the session."""
        session = self._session()
        yield lambda: session.ended is not None
        if session.ended is not None:
            session.ended.close()
        return {}

    def _session(self) -> CustomerSession:
        assert self._app.session is not None  # noqa: S101  # waited for
        return self._app.session


def press(button: QAbstractButton | QWidget) -> None:
    """Press a real button, as a click does; nothing happens when it is disabled."""
    if isinstance(button, QAbstractButton):
        button.click()


def main(argv: list[str], person: Callable[[CompanionApp], Customer] = Customer, behind: bool = True) -> int:
    """Run the companion for the demo, `behind` the agent's windows when the two want the same processor.

    The first line of standard input holds the secrets of this run.
    """
    parser = argparse.ArgumentParser(prog="deskside demo --part companion")
    parser.add_argument("--profile", type=Path, required=True)
    parser.add_argument("--lang", default="system")
    parser.add_argument("--theme", default="system")
    options = parser.parse_args(argv)
    first = json.loads(sys.stdin.readline())
    if behind and hasattr(os, "nice"):
        os.nice(_NICE)  # a real customer sits at another computer: here the agent's windows come first
    companion = build_companion(
        CompanionOptions(
            data=options.profile,
            enrol=first.get("enrol", ""),  # without: this companion is enrolled already
            passphrase=first["passphrase"],
            language=options.lang,
            theme=ThemeMode(options.theme),
        )
    )
    Driver(person(companion).steps(), companion.leave, companion)
    companion.start()
    return companion.run()
