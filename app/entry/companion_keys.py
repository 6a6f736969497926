# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation key that this computer trusts, in its file; only the old one's signature leads to a new one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from app.config.policy import Policy
from app.config.settings import ENROLMENT_KEY, ENROLMENT_SERVER
from app.desktop.companion_store import CompanionStore
from app.domain.documents import BadDocument, SignedDocument
from app.domain.enrolment_file import Preset
from app.domain.errors import WorldError
from app.domain.key_exchange import FormerKey, KeyRefused, PinnedKey, follow
from app.domain.signed import b64, unb64
from app.entry.companion_rows import Enrolment, Former

__all__ = ["StoreKeys", "with_key"]


class StoreKeys:
    """`sync.customer_events.PinnedKeys` on companion.db. `enrolment` is what stands there now; one thread."""

    def __init__(self, store: CompanionStore, enrolment: Enrolment, policy: Callable[[], Policy]) -> None:
        """`policy` is read anew each time: it may name the key that alone may come."""
        self._store = store
        self._policy = policy
        self.enrolment = enrolment

    def judge(self, statements: Sequence[str]) -> PinnedKey:
        """Return the key that statements lead to. Raises KeyRefused; nothing is changed."""
        try:
            told = [SignedDocument.from_text(text) for text in statements]
        except BadDocument as error:
            raise KeyRefused from error
        return follow(_pinned(self.enrolment), told, time.time_ns() // 1_000_000, self._fixed())

    def keep(self, pinned: PinnedKey) -> None:
        """Trust this key from now on, in one write. Raises StoreUnavailable; then the old one stays."""
        changed = with_key(self.enrolment, pinned)
        self._store.put("enrolment", msgspec.json.encode(changed).decode())
        self.enrolment = changed

    def _fixed(self) -> bytes | None:
        """The only key that policy lets this computer trust. Policy that nobody can read lets it trust no new one."""
        policy = self._policy()
        try:
            preset = Preset.of_policy(policy.get(ENROLMENT_SERVER), policy.get(ENROLMENT_KEY))
            if preset is None or not preset.key or preset.server != self.enrolment.server:
                return None
            return unb64(preset.key)
        except (WorldError, ValueError) as error:
            raise KeyRefused("key_against_policy") from error


def with_key(enrolment: Enrolment, pinned: PinnedKey) -> Enrolment:
    """Return the enrolment with another key; everything else, its origin too, stays."""
    former = tuple(Former(b64(old.key), old.until, old.serial) for old in pinned.former)
    return msgspec.structs.replace(enrolment, org_key=b64(pinned.key), serial=pinned.serial, former=former)


def _pinned(enrolment: Enrolment) -> PinnedKey:
    former = tuple(FormerKey(unb64(old.key), old.until, old.serial) for old in enrolment.former)
    return PinnedKey(enrolment.org_id, unb64(enrolment.org_key), enrolment.serial, former)
