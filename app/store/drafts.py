# SPDX-License-Identifier: GPL-3.0-or-later
"""The draft rows of pending.db: unsent text with caret and files, and the time at which a reply goes out by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.attachments import dump_attachments, load_attachments
from app.domain.formatting import dump_marks, load_marks
from app.domain.ids import CustomerId, TicketId, derived_id
from app.domain.ports import Draft, DraftKey, DraftKind, Ground, PlannedSend, SendOrder, SendWhy
from app.store.cipher import Session

__all__ = ["Local", "clear", "keep", "mark_carried", "planned", "read", "state", "take_away", "uncarried"]

_COLUMNS = "body, caret, seen_seq, updated, attachments, seen_id, send_at, send, marks, ground"


def _key(key: DraftKey) -> bytes:
    ticket, kind = key
    return derived_id(ticket, "draft", kind.value)


@dataclass(frozen=True, slots=True)
class Local:
    """How a draft stands in this file: `draft` is None where it was discarded, `carried` when what went out was typed.

    `known` is False where nothing of it was ever typed here.
    """

    id: bytes
    ticket: TicketId
    kind: DraftKind
    draft: Draft | None
    carried: int | None
    discarded: int | None
    known: bool = True


def clear(tx: Session, key: DraftKey, now: int, *, sent: bool = False) -> None:
    """Take a draft away; its text stays for 30 days, so that a slip of the hand can be undone.

    `sent`: the server takes away what other devices have of it, when it accepts the text.
    """
    sql = "UPDATE draft SET discarded = ?, send_at = NULL, send = NULL WHERE id = ? AND discarded IS NULL"
    tx.run(sql, (now, _key(key)))
    if sent:
        tx.run("UPDATE draft SET carried = NULL WHERE id = ?", (_key(key),))


def take_away(tx: Session, draft: Draft, now: int) -> None:
    """Discard a draft whose words are elsewhere now; other devices are told when drafts are carried next."""
    key = _key((draft.ticket, draft.kind))
    tx.run(
        "INSERT OR IGNORE INTO draft(id, kind, subject_id, body, caret, seen_seq, updated) VALUES(?, ?, ?, ?, 0, 0, ?)",
        (key, draft.kind.value, draft.ticket, draft.body, draft.updated),
    )
    tx.run(
        "UPDATE draft SET discarded = ?, send_at = NULL, send = NULL, carried = coalesce(carried, ?) WHERE id = ?",
        (now, draft.updated, key),
    )


def state(tx: Session, ticket: TicketId, kind: DraftKind) -> Local:
    """Return how a draft stands; `tx` reads both files."""
    id_ = _key((ticket, kind))
    row = tx.one(f"SELECT {_COLUMNS}, carried, discarded FROM pending.draft WHERE id = ?", (id_,))
    if row is None:
        return Local(id_, ticket, kind, None, None, None, known=False)
    return Local(id_, ticket, kind, None if row[-1] else _draft(ticket, kind, row[:-2]), row[-2], row[-1])


def uncarried(tx: Session, ticket: TicketId | None) -> list[Local]:
    """Return the drafts of a ticket, or of all, that changed since they were carried, and those thrown away since."""
    rows = tx.all(
        f"SELECT id, subject_id, kind, {_COLUMNS}, carried, discarded FROM pending.draft "
        "WHERE (discarded IS NULL AND carried IS NOT updated AND (? IS NULL OR subject_id = ?)) "
        "OR (discarded IS NOT NULL AND carried IS NOT NULL)",
        (ticket, ticket),
    )
    return [
        Local(id_, sub, DraftKind(kind), None if row[-1] else _draft(sub, DraftKind(kind), row[:-2]), row[-2], row[-1])
        for id_, sub, kind, *row in rows
    ]


def mark_carried(tx: Session, id_: bytes, updated: int | None) -> None:
    """Remember what the other devices will have."""
    tx.run("UPDATE draft SET carried = ? WHERE id = ?", (updated, id_))


def keep(tx: Session, draft: Draft, label: str | None, now: int) -> None:
    """Write a draft over what is there; one with neither words nor files is discarded."""
    key = _key((draft.ticket, draft.kind))
    if not draft.body.strip() and not draft.attachments:
        clear(tx, (draft.ticket, draft.kind), now)
        return
    tx.run(
        "INSERT OR REPLACE INTO draft(id, kind, subject_id, body, caret, seen_seq, updated, attachments, seen_id, "
        "send_at, send, marks, ground, carried, label) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT d.carried FROM draft d WHERE d.id = ?), "
        "coalesce(?, (SELECT d.label FROM draft d WHERE d.id = ?)))",
        (
            key, draft.kind.value, draft.ticket, draft.body, draft.caret, draft.seen_seq, now,
            dump_attachments(draft.attachments), draft.seen_id, draft.send.at if draft.send else None,
            _dump(draft.send), dump_marks(draft.marks), _dump_ground(draft.ground), key, label, key,
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


def _draft(ticket: TicketId, kind: DraftKind, row: Sequence[Any]) -> Draft:
    body, caret, seen_seq, updated, files, seen_id, send_at, send, marks, ground = row
    return Draft(
        ticket, kind, body, caret, seen_seq, updated, load_attachments(files), seen_id, _load(send_at, send),
        load_marks(marks, len(body)), _load_ground(ground),
    )  # fmt: skip


def _dump_ground(ground: Ground | None) -> str | None:
    if ground is None:
        return None
    return json.dumps({"customer": ground.customer.hex() if ground.customer else None, "on_hold": ground.on_hold})


def _load_ground(raw: str | None) -> Ground | None:
    try:
        data = json.loads(raw) if raw else None
        if data is None:
            return None
        customer = data["customer"]
        return Ground(CustomerId(bytes.fromhex(customer)) if customer else None, bool(data["on_hold"]))
    except (KeyError, TypeError, ValueError):
        return None


def _dump(order: SendOrder | None) -> str | None:
    if order is None:
        return None
    plain = {"why": order.why.value, "text": order.text, "event": order.event.hex(), "message": order.message.hex(),
             "after": order.after, "html": order.html}  # fmt: skip
    return json.dumps(plain, ensure_ascii=False)


def _load(send_at: int | None, raw: str | None) -> SendOrder | None:
    """Return the order; one that cannot be read is none: the text stays a draft and nothing goes out."""
    if send_at is None or not raw:
        return None
    try:
        data = json.loads(raw)
        ids = bytes.fromhex(data["event"]), bytes.fromhex(data["message"])
        why, html = SendWhy(data["why"]), data.get("html")
        return SendOrder(send_at, why, str(data["text"]), *ids, str(data["after"]), str(html) if html else None)
    except (KeyError, TypeError, ValueError):
        return None
