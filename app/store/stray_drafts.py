# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts whose ticket is not in view any more: no page leads to them, so they stand in the tray."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.domain.attachments import load_attachments
from app.domain.entities import TICKET
from app.domain.needs import NeedItem, NeedKind
from app.store.cipher import Session
from app.store.shown import MAX_PARAMETERS, Shown

__all__ = ["as_item", "bring_back", "discard", "label_of", "stray_drafts"]

_NAMES = {"reply": "message.add", "note": "note.add"}


def stray_drafts(shown: Shown) -> list[tuple[Any, ...]]:
    """Return (id, kind, ticket, body, updated, attachments, label) of these drafts; none while tickets are loaded."""
    drafts = shown.tx.all(
        "SELECT id, kind, subject_id, body, updated, attachments, label FROM pending.draft WHERE discarded IS NULL"
    )
    if not drafts or not _complete(shown):
        return []
    here = {id_ for (id_,) in shown.by_ids(TICKET.number, "id", sorted({d[2] for d in drafts}), " AND deleted = 0")}
    return [draft for draft in drafts if draft[2] not in here]


def _complete(shown: Shown) -> bool:
    """Whether the replica knows which tickets there are."""
    states = {state for (state,) in shown.tx.all("SELECT DISTINCT state FROM main.scope_state")}
    return "live" in states and "loading" not in states


def as_item(draft: tuple[Any, ...]) -> NeedItem:
    """Return the entry of a draft."""
    id_, kind, ticket, body, updated, files, label = draft
    names = [{"filename": file.filename} for file in load_attachments(files)]
    return NeedItem(
        id=id_, kind=NeedKind.DRAFT, at=updated, subject_type=TICKET.number, subject=ticket, label=label or "",
        name=_NAMES.get(kind, ""), body=body, mine={"args": {"attachments": names}},
    )  # fmt: skip


def label_of(shown: Shown, ticket: bytes) -> str | None:
    """Return the number by which people know a ticket; None for one that is not here."""
    found = shown.by_ids(TICKET.number, "number, provisional", [ticket])
    number, provisional = found[0] if found else (None, None)
    return f"#{number}" if number is not None else provisional


def discard(tx: Session, entries: Collection[bytes], now: int) -> list[bytes]:
    """Discard those of these entries that are drafts; returns the others."""
    drafts = _drafts(tx, entries)
    tx.many("UPDATE draft SET discarded = ? WHERE id = ? AND discarded IS NULL", [(now, id_) for id_ in drafts])
    return [id_ for id_ in entries if id_ not in drafts]


def bring_back(tx: Session, entries: Collection[bytes]) -> None:
    """Take the discarding of drafts back."""
    tx.many("UPDATE draft SET discarded = NULL WHERE id = ?", [(id_,) for id_ in entries])


def _drafts(tx: Session, entries: Collection[bytes]) -> set[bytes]:
    every, out = list(entries), set[bytes]()
    for start in range(0, len(every), MAX_PARAMETERS):
        part = every[start : start + MAX_PARAMETERS]
        out |= {id_ for (id_,) in tx.all(f"SELECT id FROM draft WHERE id IN ({', '.join('?' * len(part))})", part)}
    return out
