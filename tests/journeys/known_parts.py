# SPDX-License-Identifier: GPL-3.0-or-later
"""What both sides of the journeys do with facts of a request: the customer tells them, the agent reads the card."""

from __future__ import annotations

from app.entry.demo_agent import Agent
from app.entry.demo_companion import Customer, press
from app.entry.demo_driver import Step, Steps
from widgets.companion.model import Line
from widgets.foundation import Fold, PlainLabel


class KnownCustomer(Customer):
    """Asks for help with what the computer knows."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return super().steps() | {"ask_with_facts": self.ask_with_facts, "waits_here": self.waits_here}

    def ask_with_facts(self, subject: str, serial: str, keep_back: str) -> Steps:
        """While the server is away: agree, keep one fact back, type the serial number, and send the request."""
        app = self._app
        yield lambda: app.line.line is Line.OFFLINE
        assert app.home is not None
        press(app.home.ask)
        yield lambda: app.writing.ask is not None
        window = app.writing.ask
        assert window is not None
        window.product.setCurrentIndex(0)  # of this computer
        window.subject.setText(subject)
        press(window.known.consent)
        yield lambda: bool(window.known.rows)
        rows = window.known.rows
        press(rows[keep_back].tick)
        assert rows["serial"].edit is not None
        rows["serial"].edit.setText(serial)
        told = window.known.told()
        assert told is not None
        press(window.send)
        yield lambda: any(item.subject == subject and item.state == "waiting" for item in app.writing.written)
        ticket = next(item.ticket for item in app.writing.written if item.subject == subject)
        return {"ticket": ticket, "facts": dict(told.facts), "kept_back": rows[keep_back].fact.value}

    def waits_here(self) -> Steps:
        """A later start while the server is away: subjects of what was written here and still waits."""
        app = self._app
        yield lambda: app.home is not None and app.line.line is Line.OFFLINE
        return {"waiting": [item.subject for item in app.writing.written if item.state == "waiting"]}


class KnownAgent(Agent):
    """Reads the fact card of the open ticket."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        return super().steps() | {"card": self.card}

    def card(self) -> Steps:
        """The words of the first block of the details, once it is the fact card."""
        panel = self._window.customer

        def first() -> Fold | None:
            folds = [fold for fold in panel.findChildren(Fold) if fold.isVisible()]
            return min(folds, key=lambda fold: fold.y()) if folds else None

        def is_card() -> bool:
            fold = first()
            return fold is not None and fold.header.text() == "Already known"

        yield is_card
        fold = first()
        assert fold is not None
        return {"words": [label.text() for label in fold.findChildren(PlainLabel)]}
