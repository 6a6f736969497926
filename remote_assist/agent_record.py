# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's record as the agent's end follows it: what was lost on the way is asked for again.

The agent's device signs nothing that it has not seen whole, nor a record that says otherwise than the agent's end saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from app.domain.assist import EntryType, Scope
from remote_assist.chain import BadChain, ChainReader, Entry, verify_receipt
from remote_assist.receipt_facts import grants_of

__all__ = ["FollowedRecord"]

_ASK_EVERY_MS: Final = 1_000
_ASKS_MOST: Final = 300  # each costs the customer's end some envelopes of those that a session may send


class FollowedRecord:
    """Entries in order. `asking_at` is when those that are missing should be asked for, on the monotonic clock."""

    def __init__(self, key: bytes, first_prev: bytes) -> None:
        self._reader = ChainReader(key, first_prev)
        self._asks = 0
        self._asked_at: int | None = None
        self._seen: set[Scope] = set()
        self.whole = True
        self.asking_at: int | None = None

    @property
    def entries(self) -> list[Entry]:
        """What came, without a gap."""
        return self._reader.entries

    @property
    def head(self) -> bytes:
        """Hash of the last of them."""
        return self._reader.head

    @property
    def ended(self) -> bool:
        """Whether the last entry of all is here."""
        return bool(self.entries) and self.entries[-1].type is EntryType.END

    def take(self, text: str, now: int) -> Entry | None:
        """Append the next entry; None for one that came before, or that shows that one is missing."""
        if any(text == entry.text for entry in self.entries[-_ASKS_MOST:]):
            return None
        try:
            entry = self._reader.accept(text)
        except BadChain:
            self.miss(now)
            return None
        self.whole, self.asking_at = True, None
        return entry

    def miss(self, now: int) -> None:
        """Something did not come: ask, at once the first time and then once a second."""
        self.whole = False
        self.want(now)

    def want(self, now: int, after_ms: int = 0) -> None:
        """See to it that what follows is asked for, after a while; it may be on its way."""
        if self._asks < _ASKS_MOST and self.asking_at is None:
            soonest = self._asked_at + _ASK_EVERY_MS if self._asked_at is not None else now
            self.asking_at = max(now + after_ms, soonest)

    def asked(self, now: int) -> int:
        """Note that it is asked for now, and return the number of the first entry wanted."""
        self._asks += 1
        self._asked_at = now
        self.asking_at = None
        self.want(now, _ASK_EVERY_MS)
        return len(self.entries)

    def saw(self, scopes: Iterable[Scope]) -> None:
        """The customer's end told the agent's end, over their own connection, that these are granted."""
        self._seen.update(scopes)

    def agrees(self, number: str | None) -> bool:
        """Tell whether the record names every grant that was told here, and the check number of this handshake."""
        if not self.ended:
            return False
        granted = {span.scope for span in grants_of(self.entries)}
        sas = self.entries[-1].data.get("sas")
        named = sas.get("number") if isinstance(sas, dict) else None
        return {scope.value for scope in self._seen} <= granted and (not named or named == number)

    def may_sign(self, receipt: bytes, organisation_key: bytes, number: str | None) -> bool:
        """Tell whether the agent's device may sign this receipt: any reader takes it, and it is what happened here."""
        return self.agrees(number) and verify_receipt(receipt, organisation_key).ok
