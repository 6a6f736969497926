# SPDX-License-Identifier: GPL-3.0-or-later
"""What a column may hold: the type, the span of times, the length of texts. The one place for all of them.

The wire cannot tell; rows in which a value was impossible would be impossible to show on every computer of a team.
"""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import available_timezones

from app.domain.entities import Entity, Field, FieldType, Policy, Value
from app.domain.errors import Refused

__all__ = ["ID_BYTES", "MAX_TIME_MS", "check_length", "checked_value", "is_time"]

ID_BYTES = 16
MAX_TIME_MS = 7_258_118_400_000  # 2200-01-01: every calendar and time zone can show what is before it
_MAX_LONG_BYTES = 192 << 10  # texts that are merged by lines
_MAX_CHARS = 300
_CHARS = {
    "subject": 1200,  # longer than 300 are cut, not refused
    "body_ko": 20_000, "body_en": 20_000, "actions": 20_000,
    "language": 35, "zone": 64, "kind": 64, "tier": 64, "status": 64, "colour": 64, "close_reason": 2000,
    "condition": 1000, "columns": 2000, "blocked_reason": 2000, "signature": 5000, "domains": 20_000,
    "call_times": 2000,
}  # fmt: skip
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}")
_PYTHON = {
    FieldType.ID: bytes,
    FieldType.BYTES: bytes,
    FieldType.TEXT: str,
    FieldType.JSON: str,
    FieldType.INT: int,
    FieldType.TIME: int,
    FieldType.BOOL: bool,
}


def checked_value(entity: Entity, name: str, value: object) -> tuple[Field, Value]:
    """Return the column and the value, which is null or one that the column may hold. Raises Refused."""
    try:
        column = entity.field(name)
    except KeyError:
        raise Refused("no_such_field", field=name) from None
    if value is None:
        return column, None
    wanted = _PYTHON[column.type]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise Refused("bad_value", field=name)
    if isinstance(value, bytes) and column.type is FieldType.ID and len(value) != ID_BYTES:
        raise Refused("bad_value", field=name)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("bad_value", field=name)
    if column.type is FieldType.TIME and not is_time(value):
        raise Refused("bad_value", field=name)
    if isinstance(value, str):
        check_length(column, value)
        if name == "zone" and not _is_zone(value):
            raise Refused("bad_value", field=name)
    return column, value if isinstance(value, str | int | bool | bytes) else None


def is_time(value: object) -> bool:
    """Return whether this is a moment that people can be shown."""
    return isinstance(value, int) and 0 <= value < MAX_TIME_MS


def check_length(column: Field, text: str) -> None:
    """Raise Refused("text_too_long") for more than the column holds."""
    if column.policy is Policy.TEXT:
        if len(text.encode("utf-8", "surrogatepass")) > _MAX_LONG_BYTES:
            raise Refused("text_too_long", field=column.name, limit=_MAX_LONG_BYTES)
        return
    limit = _CHARS.get(column.name, _MAX_CHARS)
    if len(text) > limit:
        raise Refused("text_too_long", field=column.name, limit=limit)


def _is_zone(text: str) -> bool:
    """Return whether the zone database has it; only its form counts on a computer without one."""
    known = _zones()
    return text in known if known else _ZONE.fullmatch(text) is not None


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
