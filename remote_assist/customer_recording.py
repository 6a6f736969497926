# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of recording: what the agent's recorder says it kept is written into the record.

The grant itself is like every other. That a part began is believed only while it holds, or just after it fell.
"""

from __future__ import annotations

import string
from typing import Any, Final

from app.domain.assist import EntryType, Scope
from remote_assist import messages as wire
from remote_assist.customer_scopes import LATE_MS, CustomerScopes

__all__ = ["CustomerRecording"]

_FILES_MAX: Final = 40
_SIZE_MAX: Final = 1 << 40
_HEX: Final = frozenset(string.hexdigits.lower())


class CustomerRecording(CustomerScopes):
    """Numbers the parts that began, so that each ends once."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerScopes`."""
        super().__init__(*args, **more)
        self._parts_begun: set[int] = set()
        self._parts_open: set[int] = set()
        self._stills_kept: set[int] = set()

    def _on_claim(self, claim: wire.Claim) -> None:
        if claim.type != "recording":
            super()._on_claim(claim)
        elif not self._write_down(claim.data):
            self._on_violation("recording")

    def _write_down(self, data: dict[str, bool | int | str]) -> bool:
        """Write down what was kept; False when it cannot be true."""
        what, number = data.get("what"), data.get("n")
        if type(number) is not int or not 0 < number <= _FILES_MAX:
            return False
        if what == "began":
            if not self._may_record or number in self._parts_begun:
                return False
            self._parts_begun.add(number)
            self._parts_open.add(number)
            self._note(EntryType.RECORDING, "agent", {"on": True, "part": number})
            return True
        facts = _facts(data)
        if facts is None:
            return False
        if what == "part" and number in self._parts_open:
            self._parts_open.discard(number)
            self._note(EntryType.RECORDING, "agent", {"on": False, "part": number, **facts})
            return True
        if what == "still" and self._may_record and number not in self._stills_kept:
            self._stills_kept.add(number)
            self._note(EntryType.RECORDING, "agent", {"still": number, **facts})
            return True
        return False

    def _before_end(self) -> None:
        """No picture leaves any more, so what still ran has ended; its length and hash stand on the ticket."""
        for number in sorted(self._parts_open):
            self._note(EntryType.RECORDING, "system", {"on": False, "part": number})
        self._parts_open.clear()
        super()._before_end()

    @property
    def _may_record(self) -> bool:
        fell = self._fell_at.get(Scope.RECORDING)
        return Scope.RECORDING in self._book.live or (fell is not None and self._now - fell < LATE_MS)


def _facts(data: dict[str, bool | int | str]) -> dict[str, object] | None:
    """Return length, size and hash of what was kept, or None when they are no such things."""
    ms, size, sha256 = data.get("ms"), data.get("bytes"), data.get("sha256")
    if type(ms) is not int or type(size) is not int or not (0 <= ms < _SIZE_MAX and 0 <= size < _SIZE_MAX):
        return None
    if not isinstance(sha256, str) or len(sha256) != 64 or not set(sha256) <= _HEX:
        return None
    return {"seconds": -(-ms // 1000), "bytes": size, "sha256": sha256}
