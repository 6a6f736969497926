# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations of older clients, lifted to what this server carries out. Each version of a name has a step to the next.

A step takes the arguments of one version and returns those of the following one. It is kept for twelve months after
the version that it leads to was released; what a field of the newer version means for older clients is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from app.domain.changes import CHANGES, AnyChange
from sync.protocol import ProtocolError, decode_args

__all__ = ["LIFTS", "change_of"]

Arguments = dict[str, Any]
# (name, version) -> the step to version + 1; every change is still at its first version
LIFTS: dict[tuple[str, int], Callable[[Arguments], Arguments]] = {}

_encoder = msgspec.msgpack.Encoder(order="deterministic")


def change_of(
    name: str, v: int, raw: bytes, lifts: Mapping[tuple[str, int], Callable[[Arguments], Arguments]] = LIFTS
) -> AnyChange:
    """Return the change. Raises ProtocolError: unknown_mutation, also for a version newer than ours; malformed."""
    current = CHANGES.get(name)
    while current is not None and v < current[0] and (name, v) in lifts:
        try:
            raw = _encoder.encode(lifts[name, v](msgspec.msgpack.decode(raw, type=Arguments)))
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ProtocolError("malformed", str(error)) from error
        v += 1
    return decode_args(name, v, raw)
