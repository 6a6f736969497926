# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent of the journeys does with the customer's mouse and keyboard, through the session's window."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.domain.assist import Scope
from app.entry.demo_agent import Agent
from app.entry.demo_driver import Step, Steps
from widgets.remote.session_window import SessionWindow


class ControlAgent(Agent):
    """Orders about control."""

    def steps(self) -> dict[str, Step]:
        """Return the orders this part knows."""
        more: dict[str, Step] = {
            "ask_control": self.ask_control,
            "take_control": self.take_control,
            "click_there": self.click_there,
            "type_there": self.type_there,
        }
        return super().steps() | more

    @property
    def _there(self) -> SessionWindow:
        flow = self._window.flow
        assert flow is not None
        assert flow.session is not None
        return flow.session

    def ask_control(self) -> Steps:
        """Press the key that asks."""
        yield lambda: True
        self._there.registry.run("session.request_control")
        return {}

    def take_control(self) -> Steps:
        """Press it again, once it is allowed: from now on mouse and keys go to the customer's computer."""
        window, session = self._there, self._running
        yield lambda: Scope.CONTROL in session.info.view.grants
        window.registry.run("session.request_control")
        yield lambda: window.control.steering.on
        return {}

    def click_there(self, x: int, y: int) -> Steps:
        """Click on a pixel of the customer's screen."""
        picture = self._there.picture
        yield lambda: picture.is_known() and self._running.info.view.flowing
        view = picture.view()
        left, top, _width, _height = view.place()
        ratio, scale = picture.devicePixelRatioF(), view.scale()
        at = QPoint(round((left + (x + 0.5) * scale) / ratio), round((top + (y + 0.5) * scale) / ratio))
        QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=at)
        return {}

    def type_there(self, text: str) -> Steps:
        """Type letters on the customer's keyboard."""
        picture = self._there.picture
        yield lambda: self._there.control.steering.on
        QTest.keyClicks(picture, text)
        return {}
