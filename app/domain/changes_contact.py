# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutation of the support contact: how customers reach the organisation. Leads and administrators write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.changes_base import Context, Effect, Insert, Key, Rows, SetField
from app.domain.changes_values import checked_value
from app.domain.entities import REF_SCOPE, SUPPORT_CONTACT
from app.domain.errors import Refused

__all__ = ["CONTACT_FIELDS", "ContactSet"]

CONTACT_FIELDS = ("name_ko", "name_en", "phone", "mail")
_MAX_CHARS = 200
_LEADS = frozenset({"lead", "admin"})


@dataclass(frozen=True, slots=True)
class ContactSet:
    """`contact.set`: new values of the support contact's fields; the first makes it."""

    event: bytes
    contact: bytes
    fields: dict[str, Any]

    def effects(self, rows: Rows, ctx: Context) -> list[Effect]:
        """Set each field under its policy."""
        if ctx.actor.kind != "user" or not ctx.actor.roles & _LEADS:
            raise Refused("not_yours")
        wanted = {}
        for name, raw in sorted(self.fields.items()):
            if name not in CONTACT_FIELDS:
                raise Refused("read_only", field=name)
            wanted[name] = checked_value(SUPPORT_CONTACT, name, raw)[1]
            if len(str(wanted[name] or "")) > _MAX_CHARS:
                raise Refused("bad_value", field=name)
        row = rows.get(SUPPORT_CONTACT.number, self.contact)
        if row is None:
            values = {**wanted, "created_at": ctx.acted_ms, "created_by": ctx.actor.id}
            return [Insert(SUPPORT_CONTACT.number, self.contact, REF_SCOPE, values)]
        if row.deleted:
            raise Refused("no_such_row")
        return [
            SetField(row.type, row.id, name, value, SUPPORT_CONTACT.field(name).policy)
            for name, value in wanted.items()
        ]

    def roots(self) -> list[Key]:
        """Rows to lock."""
        return [(SUPPORT_CONTACT.number, self.contact)]
