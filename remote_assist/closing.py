# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent's program says of a session whose record has no end: up to where it goes, who ended it, why and when.

Only the customer's end can write the last entry. Where it is gone, this statement stands beside the entries that came,
signed by the agent's device and tied to the last of them; with it goes the goodbye that the customer's end had signed,
if one came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import Role
from app.domain.documents import Fields, SignedDocument, open_document, sign_document
from app.domain.signed import b64
from remote_assist.envelope import signed_type

__all__ = ["Closing", "build_closing", "is_goodbye", "read_closing"]

_LABEL: Final = "deskside-closing-1"
_GOODBYE_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Closing:
    """`n` and `prev` are those that the missing entry would have; `by` is who ended the session, `at` UTC milliseconds.

    `whole`: every entry up to there came. `goodbye` is the customer's envelope, or empty. `left`: it is the one that a
    page has ready for the moment in which it is closed.
    """

    sid: bytes
    n: int
    prev: bytes
    at: int
    by: str
    reason: str
    whole: bool = True
    goodbye: str = ""
    left: bool = False


def build_closing(key: Ed25519PrivateKey, closing: Closing, agent: Mapping[str, str]) -> SignedDocument:
    """Return the statement, signed with the agent's device key."""
    data: dict[str, Any] = {
        "reason": closing.reason,
        "ended_by": closing.by,
        "whole": closing.whole,
        "agent": dict(agent),
    }
    if len(closing.goodbye) <= _GOODBYE_MAX:
        data |= {"goodbye": closing.goodbye, "left": closing.left}
    fields = {
        "v": 1, "sid": b64(closing.sid), "n": closing.n, "prev": b64(closing.prev), "at": closing.at, "by": closing.by,
        "type": "open", "data": data,
    }  # fmt: skip
    return sign_document(key, _LABEL, fields)


def read_closing(signed: SignedDocument, device_key: bytes) -> Closing:
    """Check the signature and read the statement. Raises BadDocument."""
    fields = open_document(signed, _LABEL, device_key)
    data = fields.inner("data")
    return Closing(
        sid=fields.binary("sid", 16),
        n=fields.integer("n"),
        prev=fields.binary("prev", 32),
        at=fields.integer("at"),
        by=fields.text("by", 16),
        reason=data.text("reason", 40),
        whole=data.raw.get("whole") is True,
        goodbye=_text_of(data),
        left=data.raw.get("left") is True,
    )


def is_goodbye(closing: Closing, session_key: bytes) -> bool:
    """Tell whether the customer's end of this session signed that it ended. Its reason is sealed and proves nothing."""
    return signed_type(closing.goodbye.encode(), closing.sid, Role.CUSTOMER, session_key) == "end"


def _text_of(data: Fields) -> str:
    value = data.raw.get("goodbye")
    return value if isinstance(value, str) and len(value) <= _GOODBYE_MAX else ""
