# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft rows of pending.db: unsent text with caret and files, and the time at which a reply goes out by itself."""

from __future__ import annotations

import json
from typing import Any

from app.domain.attachments import dump_attachments, load_attachments
from app.domain.ids import TicketId, derived_id
from app.domain.ports import Draft, DraftKey, DraftKind, PlannedSend, SendOrder, SendWhy
from app.store.cipher import Session

__all__ = ["clear", "keep", "planned", "read"]

_COLUMNS = "body, caret, seen_seq, updated, attachments, seen_id, send_at, send"


def _key(key: DraftKey) -> bytes:
    ticket, kind = key
    return derived_id(ticket, "draft", kind.value)


def clear(tx: Session, key: DraftKey, now: int) -> None:
    """Take a draft away; its text stays for 30 days, so that a slip of the hand can be undone."""
    sql = "UPDATE draft SET discarded = ?, send_at = NULL, send = NULL WHERE id = ? AND discarded IS NULL"
    tx.run(sql, (now, _key(key)))


def keep(tx: Session, draft: Draft, label: str | None, now: int) -> None:
    """Write a draft over what is there; one with neither words nor files is discarded."""
    key = _key((draft.ticket, draft.kind))
    if not draft.body.strip() and not draft.attachments:
        clear(tx, (draft.ticket, draft.kind), now)
        return
    tx.run(
        "INSERT OR REPLACE INTO draft(id, kind, subject_id, body, caret, seen_seq, updated, attachments, seen_id, "
        "send_at, send, label) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, (SELECT d.label FROM draft d WHERE d.id = ?)))",
        (
            key, draft.kind.value, draft.ticket, draft.body, draft.caret, draft.seen_seq, now,
            dump_attachments(draft.attachments), draft.seen_id, draft.send.at if draft.send else None,
            _dump(draft.send), label, key,
        ),
    )  # fmt: skip


def read(tx: Session, ticket: TicketId, kind: DraftKind) -> Draft | None:
    """Return the unsent text, or None."""
    row = tx.one(f"SELECT {_COLUMNS} FROM draft WHERE id = ? AND discarded IS NULL", (_key((ticket, kind)),))
    return None if row is None else _draft(ticket, kind, row)


def planned(tx: Session) -> list[PlannedSend]:
    """Return the drafts that go out by themselves, the next one first."""
    rows = tx.all(
        f"SELECT subject_id, kind, label, {_COLUMNS} FROM draft WHERE send_at IS NOT NULL AND discarded IS NULL "
        "ORDER BY send_at, id"
    )
    found = [PlannedSend(_draft(row[0], DraftKind(row[1]), row[3:]), row[2] or "#…") for row in rows]
    return [each for each in found if each.draft.send is not None]


def _draft(ticket: TicketId, kind: DraftKind, row: tuple[Any, ...]) -> Draft:
    body, caret, seen_seq, updated, files, seen_id, send_at, send = row
    return Draft(ticket, kind, body, caret, seen_seq, updated, load_attachments(files), seen_id, _load(send_at, send))


def _dump(order: SendOrder | None) -> str | None:
    if order is None:
        return None
    plain = {"why": order.why.value, "text": order.text, "event": order.event.hex(), "message": order.message.hex(),
             "after": order.after}  # fmt: skip
    return json.dumps(plain, ensure_ascii=False)


def _load(send_at: int | None, raw: str | None) -> SendOrder | None:
    """Return the order; one that cannot be read is none: the text stays a draft and nothing goes out."""
    if send_at is None or not raw:
        return None
    try:
        data = json.loads(raw)
        ids = bytes.fromhex(data["event"]), bytes.fromhex(data["message"])
        return SendOrder(send_at, SendWhy(data["why"]), str(data["text"]), *ids, str(data["after"]))
    except (KeyError, TypeError, ValueError):
        return None
