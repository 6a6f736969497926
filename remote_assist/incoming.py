# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's own check of what the peer says: right end, within the grants, not too often, well formed."""

from __future__ import annotations

import zlib
from typing import Any, Final

import msgspec

from app.domain.assist import Role
from app.domain.signed import unb64
from remote_assist import messages, tiles
from remote_assist.channels import Malformed, scope_of
from remote_assist.grants import BUILT_SCOPES
from remote_assist.marks import Bucket

__all__ = ["Malformed", "NotGranted", "Rates", "read", "read_run"]

# Channels whose messages are read here. A message whose scope is not built yet is never taken, from either end.
_READ: Final = frozenset({"ctl", "cur", "ptr", "ann", "inp", "file", "clip", "diag"})
# A second, at once. What was held up on the way comes in one go: three seconds of it, then the line counts as lost.
_RATES: Final = {
    "cur": (120, 360),
    "ptr": (60, 180),
    "ann": (30, 90),
    "inp": (200, 600),
    "cursor_shape": (20, 60),
    "chat": (2, 60),
}


class NotGranted(Exception):  # says what is wrong
    """A message whose scope is not granted, that comes too often, or of no form. Names the channel first.

    The channel alone means: well, but not allowed (now); whatever stands behind it is what is wrong with the message.
    """


class Rates:
    """How often the peer speaks on the channels that have a limit. One for a session."""

    def __init__(self) -> None:
        self._buckets = {name: Bucket(*limits) for name, limits in _RATES.items()}

    def allow(self, name: str, now_ms: int) -> bool:
        """Count one message; tell whether it is within the limit."""
        bucket = self._buckets.get(name)
        return bucket is None or bucket.take(now_ms)


def read(
    channel: str,
    data: bytes | str,
    *,
    sender: Role,
    scopes: frozenset[str],
    paused: bool,
    rates: Rates | None = None,
    now_ms: int = 0,
) -> dict[str, Any]:
    """Return the message as a dict with its type under "t". `scopes` and `paused` count at the customer's end.

    Raises Malformed for the wrong end and for what is no control message, NotGranted for the rest.
    """
    if not messages.sender_allowed(channel, sender):
        raise Malformed(channel)
    if rates is not None and not rates.allow(channel, now_ms):
        raise NotGranted(f"{channel} rate")
    scope = scope_of(channel, sender)
    if sender is Role.AGENT and scope is not None and (scope.value not in scopes or paused):
        raise NotGranted(channel)
    if channel not in _READ or (scope is not None and scope not in BUILT_SCOPES):
        raise NotGranted(channel)
    message = _decode(channel, data, sender)
    if isinstance(message, messages.Chat) and rates is not None and not rates.allow("chat", now_ms):
        raise NotGranted("ctl rate")
    if isinstance(message, messages.CursorShape):
        if rates is not None and not rates.allow("cursor_shape", now_ms):
            raise NotGranted("ctl rate")
        message = _inflate(message)
    checked: dict[str, Any] = msgspec.to_builtins(message, builtin_types=(bytes,))
    return checked


def read_run(data: bytes | str) -> tiles.Run:
    """Return a run of exact tiles, which only an agent's child takes. Raises NotGranted."""
    try:
        return tiles.decode(data)
    except Malformed as error:
        raise NotGranted("tile malformed") from error


def _decode(channel: str, data: bytes | str, sender: Role) -> messages.Message:
    try:
        return messages.decode(channel, data, sender)
    except Malformed as error:
        if channel == "ctl":
            raise
        raise NotGranted(f"{channel} malformed") from error


def _inflate(shape: messages.CursorShape) -> messages.CursorImage:
    """Unpack a shape, never more than it says it holds. Raises Malformed."""
    size = shape.w * shape.h * 4
    unpacker = zlib.decompressobj()
    try:
        pixels = unpacker.decompress(unb64(shape.bgra_z), size)
    except (zlib.error, ValueError) as error:
        raise Malformed("ctl cursor") from error
    if len(pixels) != size or unpacker.unconsumed_tail:
        raise Malformed("ctl cursor")
    return messages.CursorImage(shape.id, shape.hot, shape.w, shape.h, pixels)
