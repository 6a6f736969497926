# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret links and the marks of forms: what opens one ticket without an account, and what a page may be sent with.

A link is 20 random-looking bytes and a mark over them: guesses are known for wrong without a look at the database,
where only the link's hash is kept. A form's mark carries its own time and names the request, so that the same form sent
twice is one request.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from app.domain.signed import b64, unb64
from sync.server.keys import ServerKeys

__all__ = ["FORM_MS", "Form", "Links"]

FORM_MS = 24 * 3600 * 1000  # how long a page may lie open before it is sent
_SECRET, _MARK, _NONCE = 20, 12, 16


@dataclass(frozen=True, slots=True)
class Form:
    """A form that this server handed out. `stale`: it lay open for too long, or for another page."""

    nonce: bytes
    stale: bool


class Links:
    """Makes and knows them with the server's own key; any process of the same server knows them too."""

    def __init__(self, keys: ServerKeys) -> None:
        self._keys = keys

    def link_of(self, nonce: bytes) -> str:
        """Return the link of the request that a form made; the same form always has the same one."""
        secret = self._keys.code_hash("portal-link", nonce.hex())[:_SECRET]
        return b64(secret + self._mark("portal-link-mark", secret))

    def is_ours(self, link: str) -> bool:
        """Tell whether this server can have made a link. Looks nothing up."""
        raw = _raw(link, _SECRET + _MARK)
        return raw is not None and _same(raw[_SECRET:], self._mark("portal-link-mark", raw[:_SECRET]))

    def kept(self, link: str) -> bytes:
        """Return what is kept of a link."""
        return self._keys.code_hash("portal-kept", link)

    def state_mark(self, scope: str, seq: int, invited: bytes | None) -> str:
        """Return what a page knows a state of its ticket by; it tells nothing of how much else is going on."""
        return self._mark("portal-state", f"{scope}:{seq}:{(invited or b'').hex()}".encode()).hex()

    def form(self, now: int, nonce: bytes, purpose: str) -> str:
        """Return the mark of a form that is handed out now; `purpose` names page and link."""
        stamp = nonce[:_NONCE] + now.to_bytes(8, "big")
        return b64(stamp + self._form_mark(stamp, purpose))

    def read_form(self, now: int, text: str, purpose: str) -> Form | None:
        """Return what a form's mark says; None for one that nobody here has made."""
        raw = _raw(text, _NONCE + 8 + _MARK)
        if raw is None:
            return None
        stamp = raw[: _NONCE + 8]
        if not _same(raw[_NONCE + 8 :], self._form_mark(stamp, purpose)):
            return None
        age = now - int.from_bytes(stamp[_NONCE:], "big")
        return Form(stamp[:_NONCE], stale=not -60_000 <= age <= FORM_MS)

    def _form_mark(self, stamp: bytes, purpose: str) -> bytes:
        bound = hashlib.sha256(purpose.encode("utf-8", "surrogatepass")).digest()
        return self._mark("portal-form", stamp + bound)

    def _mark(self, kind: str, over: bytes) -> bytes:
        return self._keys.code_hash(kind, over.hex())[:_MARK]


def _raw(text: str, size: int) -> bytes | None:
    if len(text) > 2 * size or not text.isascii():
        return None
    try:
        raw = unb64(text)
    except ValueError:
        return None
    # one spelling only: what is kept is the hash of the text
    return raw if len(raw) == size and b64(raw) == text else None


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
