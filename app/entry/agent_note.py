# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation wants a reason before an invitation: it is asked for in the invitation window, and goes with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject

from app.config.i18n import _
from app.domain.assist import Phase
from widgets.remote.ports import SessionInfo

__all__ = ["NoteControls", "is_note_missing"]


def is_note_missing(status: int, body: bytes) -> bool:
    """Tell whether the server refused an invitation because it came without a reason."""
    try:
        return status == 409 and json.loads(body).get("code") == "note_missing"
    except (ValueError, AttributeError, RecursionError):
        return False


class NoteControls(QObject):
    """Part of an `AgentSession`. The server writes the reason on the ticket with the invitation, or neither."""

    info: SessionInfo
    _why_invited = ""

    def _show(self) -> None:
        raise NotImplementedError

    def _invite_anew(self) -> None:
        raise NotImplementedError

    def give_note(self, text: str) -> None:
        """Take the reason; the invitation goes on. Without words nothing happens."""
        text = " ".join(text.split())
        if not text or not self.info.note_ask or self.info.view.phase is not Phase.INVITED:
            return
        self._why_invited = text
        self.info = replace(self.info, note_ask=False)
        self._show()
        self._invite_anew()

    def _asks_note(self, *, wanted: bool) -> bool:
        """Ask for the reason if one is wanted and none was given."""
        if not wanted or self._why_invited:
            return False
        self.info = replace(self.info, note_ask=True)
        self._show()
        return True

    def _with_note(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body of a call; an invitation takes the reason along, as it will stand on the ticket."""
        if not self._why_invited or not path.endswith("/invitations"):
            return body
        return {**body, "note": _("Reason for screen sharing: {text}").format(text=self._why_invited)}
