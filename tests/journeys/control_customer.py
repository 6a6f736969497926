# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer of the journeys sees of the agent's mouse and keyboard, in the Companion's windows."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.domain.assist import Scope
from app.entry.demo_companion import Customer, press
from app.entry.demo_driver import Step, Steps


class ControlCustomer(Customer):
    """Orders about control."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "allow_control": self.allow_control,
            "stop_is_at": self.stop_is_at,
            "take_keyboard": self.take_keyboard,
            "kept_out": self.kept_out,
            "hands": self.hands,
        }
        return super().steps() | more

    def allow_control(self) -> Steps:
        """Read the question, and allow it."""
        session = self._session()
        yield lambda: Scope.CONTROL in session.more.questions
        question = session.more.questions[Scope.CONTROL]
        yield question.yes.isEnabled
        press(question.yes)
        yield lambda: Scope.CONTROL in session.view.grants
        return {}

    def stop_is_at(self) -> Steps:
        """Where STOP is on the screen."""
        session = self._session()
        yield lambda: session.bar is not None and session.bar.stop.isVisible()
        assert session.bar is not None
        return self._middle(session.bar.stop)

    def take_keyboard(self) -> Steps:
        """Put the keyboard on the button that asks for help, as who wants to write does."""
        home = self._app.home
        assert home is not None
        home.activateWindow()
        home.ask.setFocus()
        yield home.ask.hasFocus
        return {}

    def kept_out(self) -> Steps:
        """Wait until the customer's own hands keep the agent's away."""
        control = self._session().control
        yield lambda: control._kept_out
        return {}

    def hands(self, least: int = 0, kind: str = "companion") -> Steps:
        """What came of the agent's deeds, once there were so many of a kind, and how the windows stand."""
        session = self._session()
        yield lambda: session.control.counts[kind] >= least
        return {
            "counts": dict(session.control.counts),
            "over": session.over,
            "kept_out": session.control._kept_out,
            "asks": self._app.writing.ask is not None and self._app.writing.ask.isVisible(),
        }

    @staticmethod
    def _middle(widget: QWidget) -> dict[str, int]:
        at, ratio = widget.mapToGlobal(widget.rect().center()), widget.devicePixelRatioF()
        return {"x": round(at.x() * ratio), "y": round(at.y() * ratio)}
