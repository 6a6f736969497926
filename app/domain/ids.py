# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed ids, 16 raw bytes each, and how they are made (UUIDv7, RFC 9562; UUIDv5 for derived rows)."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import NewType

TicketId = NewType("TicketId", bytes)
MessageId = NewType("MessageId", bytes)
CustomerId = NewType("CustomerId", bytes)
UserId = NewType("UserId", bytes)
TeamId = NewType("TeamId", bytes)
StateId = NewType("StateId", bytes)
TagId = NewType("TagId", bytes)
DeviceId = NewType("DeviceId", bytes)
ViewId = NewType("ViewId", bytes)


def uuid7(now_ms: int, random: bytes) -> bytes:
    """Return a UUIDv7 for a time in Unix milliseconds and 10 random bytes."""
    raw = bytearray(now_ms.to_bytes(6, "big") + random[:10])
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


def new_id() -> bytes:
    """Return a fresh UUIDv7 from the wall clock. Not for code that a simulator runs: that gets time and randomness."""
    return uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def derived_id(parent: bytes, *parts: str | bytes) -> bytes:
    """Return the UUIDv5 of `parts` in the namespace `parent`, so that both ends name a derived row alike."""
    text = "/".join(p.hex() if isinstance(p, bytes) else p for p in parts)
    return uuid.uuid5(uuid.UUID(bytes=parent), text).bytes


def hlc_of(ms: int, counter: int = 0) -> int:
    """Return a hybrid logical clock value: 48 bits of milliseconds, 16 bits of counter."""
    return (ms << 16) | (counter & 0xFFFF)


def hlc_ms(hlc: int) -> int:
    """Return the millisecond part of a hybrid logical clock value."""
    return hlc >> 16
