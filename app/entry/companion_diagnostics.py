# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics at the customer's computer: collected in a thread of their own, shown, struck, and sent as they stand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from app.config.logs import get_logger
from remote_assist.actions import CollectDiagnostics, DiagnosticsStep
from remote_assist.diagnostics import Bundle, Confirmed, Draft, NotShown
from remote_assist.diagnostics_card import CARD_SECTIONS
from remote_assist.diagnostics_here import gatherer_here
from remote_assist.diagnostics_machine import ThisMachine
from remote_assist.diagnostics_run import Context, Gatherer, Wanted
from remote_assist.diagnostics_views import facts_of_draft
from widgets.companion.diagnostics import FactsWindow
from widgets.foundation import Theme

__all__ = ["Collecting", "DiagnosticsReview"]

_log: Final = get_logger(__name__)
Gather = Callable[[], Bundle]


class DiagnosticsReview(QObject):
    """The window of one session. Everything but collecting is on the GUI thread."""

    _gathered = Signal(int, object)

    def __init__(
        self,
        theme: Theme,
        now_ms: Callable[[], int],
        send: Callable[[Confirmed], None],
        withhold: Callable[[], None],
        gather: Gather,
        parent: QObject,
    ) -> None:
        """`gather` asks this computer; it is called in another thread and may take its time."""
        super().__init__(parent)
        self._theme, self._now_ms = theme, now_ms
        self._send, self._withhold = send, withhold
        self._gather = gather
        self._number = 0
        self._draft: Draft | None = None
        self._flowing = True
        self.window: FactsWindow | None = None
        self.collector: threading.Thread | None = None
        self._gathered.connect(self._show)

    def begin(self, action: CollectDiagnostics, who: tuple[str, str], cover: Callable[[], None]) -> None:
        """Find out, and show. `cover` is called before the window shows, so that no picture has it in it."""
        self.end()
        self._number += 1
        window = self.window = FactsWindow(self._theme, who, action.deadline_ms, self._now_ms)
        window.struck.connect(self._strike)
        window.sent.connect(self._confirm)
        window.withheld.connect(self._withhold)
        window.closed.connect(self.end)
        window.show_flow(flowing=self._flowing)
        area = QGuiApplication.primaryScreen().availableGeometry()
        window.resize(window.size().boundedTo(area.size() * 0.9))
        window.move(area.center() - window.rect().center())
        cover()
        window.show()
        window.raise_()
        self.collector = threading.Thread(target=self._collect, args=(self._number,), name="diagnostics", daemon=True)
        self.collector.start()

    def show_flow(self, *, flowing: bool) -> None:
        """Whether anything can be sent now."""
        self._flowing = flowing
        if self.window is not None:
            self.window.show_flow(flowing=flowing)

    def settle(self, step: DiagnosticsStep) -> None:
        """Follow what the customer's end says."""
        if self.window is None:
            return
        if step is DiagnosticsStep.SENDING:
            self.window.show_sending()
        elif step in (DiagnosticsStep.ARRIVED, DiagnosticsStep.NOT_ARRIVED):
            self.window.show_result(arrived=step is DiagnosticsStep.ARRIVED)
        else:
            self.end()

    def end(self) -> None:
        """Take the window away. What is being collected is dropped when it comes."""
        self._number += 1
        self._draft = None
        window, self.window = self.window, None
        if window is not None:
            window.end()
            window.deleteLater()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _collect(self, number: int) -> None:
        """In a thread of its own; the collectors have theirs and a time each."""
        bundle = self._gather()
        try:
            self._gathered.emit(number, bundle)
        except RuntimeError:  # the session and its window are gone
            _log.info("diagnostics came too late")

    def _show(self, number: int, bundle: object) -> None:
        if number == self._number and self.window is not None and isinstance(bundle, Bundle):
            self._draft = Draft(bundle)
            self.window.show_facts(facts_of_draft(self._draft))

    def _strike(self, section: str, index: int, on: bool) -> None:
        draft = self._draft
        if draft is None or self.window is None:
            return
        if index < 0:
            draft = draft.strike_section(section) if on else draft.put_section_back(section)
        else:
            draft = draft.strike(section, index) if on else draft.put_back(section, index)
        self._draft = draft
        self.window.update_facts(facts_of_draft(draft))

    def _confirm(self, shown: str) -> None:
        """What the window shows must be, byte for byte, what would leave."""
        if self._draft is None:
            return
        try:
            confirmed = self._draft.confirm(shown.encode())
        except NotShown:
            _log.error("what was shown is not what would be sent: nothing is")
            return
        self._send(confirmed)


class Collecting:
    """Asks this computer. Keep one for the whole program: a collector that hangs is not started again."""

    def __init__(self, wanted: Callable[[], Wanted] = Wanted) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._gatherer: Gatherer | None = None

    def __call__(self) -> Bundle:
        """Return everything, for the diagnostics of a session."""
        return self._gather(self._wanted(), None)

    def for_card(self) -> Bundle:
        """Return what a fact card says of this computer."""
        return self._gather(Wanted(serial=True), CARD_SECTIONS)

    def _gather(self, wanted: Wanted, only: Collection[str] | None) -> Bundle:
        with self._lock:
            if self._gatherer is None:
                self._gatherer = gatherer_here()
            return self._gatherer.gather(Context(ThisMachine(), wanted, int(time.time())), only)
