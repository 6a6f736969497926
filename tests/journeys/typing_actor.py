# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that is typed into until it is killed: the real composer over the real encrypted store, one life per fork.

Started by `tests.journeys.typing_kills`. Everything is imported once; each life is a forked process of its own with its
own QApplication, files and threads. Before each key the life writes down what the text will be after it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QInputMethodEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.desktop.jobs import QtJobs
from app.domain.ids import TicketId
from app.domain.ports import DraftKind
from app.entry.sync_codec import open_profile, wall_ms
from tests.sync.desk import KEY
from widgets.composer.composer import Composer
from widgets.foundation import Theme, ThemeMode, load_tokens

__all__ = ["main"]

_SYLLABLES = "가나다라마바사아자차카타파하값없읽흙"
_LETTERS = "abcdefghijklmnopqrstuvwxyz ,."
KEYS_MS = (15, 120)  # between two keys


class Life:
    """One run of the window, until it is killed."""

    def __init__(self, folder: Path, log: TextIO, seed: int, tickets: list[TicketId]) -> None:
        self._log, self._rng, self._tickets = log, random.Random(seed), tickets
        self._qt = QApplication.instance() or QApplication(["typing"])
        assert isinstance(self._qt, QApplication)
        self.profile = open_profile(folder, KEY)
        self.jobs = QtJobs(self._failed)
        self.composer = Composer(
            Theme(self._qt, load_tokens(), ThemeMode.LIGHT), self.profile.commits, self.jobs, wall_ms
        )
        self.composer.resize(600, 300)
        self.composer.show()
        self._at = tickets[0]
        self._texts: dict[tuple[TicketId, DraftKind], str] = {}
        self._keys = QTimer(singleShot=True)
        self._keys.timeout.connect(self._guarded)
        self._checkpoints = QTimer(interval=200)
        self._checkpoints.timeout.connect(self._look)

    def say(self, **what: object) -> None:
        """Write a line that survives this process."""
        self._log.write(json.dumps({"t": time.monotonic(), **what}, ensure_ascii=False) + "\n")

    def _failed(self, why: Exception) -> None:
        self.say(error=repr(why))

    def begin(self) -> None:
        """Tell what is on disk, open a ticket, and type."""
        found = {}
        for ticket in self._tickets:
            for kind in DraftKind:
                draft = self.profile.commits.draft(ticket, kind)
                self._texts[ticket, kind] = draft.body if draft is not None else ""
                found[f"{ticket.hex()} {kind.value}"] = self._texts[ticket, kind]
        self.say(found=found)
        self._checkpoints.start()
        self._open(self._rng.choice(self._tickets))

    def _open(self, ticket: TicketId) -> None:
        details = self.profile.queries.details(ticket)
        if details is None:  # out of reach now: its drafts stay on disk
            self._next()
            return
        self._at = ticket
        self.composer.show_ticket(details)
        self._wait_for_drafts(200)

    def _wait_for_drafts(self, turns: int) -> None:
        """A person types when what is there shows."""
        if not turns or all(self._shown(kind) == self._texts[self._at, kind] for kind in DraftKind):
            for kind in DraftKind:
                if self._shown(kind) != self._texts[self._at, kind]:
                    self.say(error=f"shown {self._shown(kind)!r}, on disk {self._texts[self._at, kind]!r}")
            self.composer.write(self._rng.choice(list(DraftKind)))
            self._next()
            return
        QTimer.singleShot(10, lambda: self._wait_for_drafts(turns - 1))

    def _shown(self, kind: DraftKind) -> str:
        return self.composer.sheets[kind].edit.toPlainText()

    def _next(self) -> None:
        self._keys.start(self._rng.randint(*KEYS_MS))

    def _guarded(self) -> None:
        try:
            self._key()
        except Exception as why:  # noqa: BLE001 - told to the one who judges
            self.say(error=repr(why))

    def _key(self) -> None:
        chance = self._rng.random()
        if chance < 0.02:
            self._open(self._rng.choice(self._tickets))
            return
        if chance < 0.04:
            self.composer.other()
        elif chance < 0.05:
            self._sign_in_again()
        self._type(chance)
        self._next()

    def _type(self, chance: float) -> None:
        kind = self.composer.kind()
        if kind is None:
            return
        edit = self.composer.sheets[kind].edit
        edit.moveCursor(QTextCursor.MoveOperation.End)
        text = self._texts[self._at, kind]
        deed: Callable[[], object]
        if chance < 0.15 and text:
            text, deed = text[:-1], lambda: QTest.keyClick(edit, Qt.Key.Key_Backspace)
        elif chance < 0.2:
            text, deed = text + "\n", lambda: QTest.keyClick(edit, Qt.Key.Key_Return)
        elif chance < 0.6:
            letter = self._rng.choice(_SYLLABLES)
            text, deed = text + letter, lambda: self._compose(letter)
        else:
            letter = self._rng.choice(_LETTERS)
            text, deed = text + letter, lambda: QTest.keyClicks(edit, letter)
        self._texts[self._at, kind] = text
        self.say(at=f"{self._at.hex()} {kind.value}", text=text)
        deed()
        if edit.toPlainText() != text:
            self.say(error=f"typed {text!r}, shows {edit.toPlainText()!r}")

    def _compose(self, syllable: str) -> None:
        """As an input method does: first in composition, then committed."""
        kind = self.composer.kind()
        assert kind is not None
        edit = self.composer.sheets[kind].edit
        QApplication.sendEvent(edit, QInputMethodEvent(syllable, []))
        done = QInputMethodEvent("", [])
        done.setCommitString(syllable)
        QApplication.sendEvent(edit, done)

    def _sign_in_again(self) -> None:
        """The person is asked to sign in, and does."""
        identity = self.profile.identity
        self.composer.save_now()
        if identity is not None:
            self.profile.commits.save_identity(identity)

    def _look(self) -> None:
        """As the window does when the worker wrote."""
        if self.profile.poll():
            self.jobs.change(self.profile.after_checkpoint)
            details = self.profile.queries.details(self._at)
            if details is not None:
                self.composer.show_ticket(details)


def main() -> None:
    """Take orders from standard input, a line each: [folder, log, seed, tickets]. Answer with the new life's pid."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead here
    for line in sys.stdin:
        folder, log, seed, tickets = json.loads(line)
        pid = os.fork()
        if not pid:
            with Path(log).open("a", encoding="utf-8", buffering=1) as file:
                life = Life(Path(folder), file, seed, [TicketId(bytes.fromhex(t)) for t in tickets])
                QTimer.singleShot(0, life.begin)
                QApplication.exec()
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
