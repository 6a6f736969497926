# SPDX-License-Identifier: GPL-3.0-or-later
"""A ticket's page: its line, the conversation with its events, and the customer with everything known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain.attachments import load_attachments
from app.domain.changes import Row
from app.domain.changes_base import object_of
from app.domain.entities import (
    ASSET,
    CONTACT_ADDRESS,
    CUSTOMER,
    HISTORY,
    MEMBERSHIP,
    MESSAGE,
    NOTE,
    ORGANISATION,
    SESSION_RECORD,
    TICKET,
    USER,
)
from app.domain.ids import CustomerId, TagId, TeamId, TicketId
from app.domain.ports import (
    AddressView,
    AssetInfo,
    CustomerCard,
    ItemKind,
    ThreadItem,
    TicketDetails,
)
from app.domain.session_facts import session_facts
from app.store.clocks import clock_facts
from app.store.customers import fact_card_of, terms_of
from app.store.kept_messages import Kept, Version
from app.store.lists import ROW_COLUMNS, customer_names, ticket_rows
from app.store.marks import field_marks
from app.store.related import related_of
from app.store.shown import Shown, ShownRows

EARLIER_TICKETS = 20
# these lines accompany a message or note that stands in the conversation itself
_SPOKEN = frozenset({"reply", "note", "customer"})


def ticket_details(shown: Shown, ticket: TicketId, kept: Kept | None = None) -> TicketDetails | None:
    """Return a ticket's page, or None when it is not on this computer.

    Messages that `kept` has as they are now are taken from it; it then holds those of this page.
    """
    rows = ShownRows(shown)
    row = rows.get(TICKET.number, ticket)
    if row is None or row.deleted:
        return None
    raw = shown.by_ids(TICKET.number, ROW_COLUMNS, [ticket])
    line = ticket_rows(shown, raw)[0]
    tags = shown.select(
        MEMBERSHIP.number, "member", "subject = ? AND kind = 'tag' AND present AND deleted = 0", (ticket,)
    )
    items = _items(shown, ticket, line.customer, kept if kept is not None else {})
    # own unsent messages have no number of the server's yet: counting them would hide what came meanwhile
    seen = max((i for i in items if not i.pending and i.msg_no), key=lambda i: i.msg_no, default=None)
    return TicketDetails(
        row=line,
        kind=_text(row, "kind"),
        channel=_text(row, "channel"),
        team=TeamId(row.values["team"] if isinstance(row.values["team"], bytes) else b""),
        created_at=_int(row, "created_at"),
        tags=[TagId(t) for (t,) in tags],
        close_reason=_text(row, "close_reason") or None,
        seen_seq=seen.msg_no if seen is not None else 0,
        seen_id=seen.id if seen is not None else None,
        items=items,
        customer=_card(shown, rows, line.customer, ticket),
        marks=field_marks(shown, row),
        related=related_of(shown, row),
        clock=clock_facts(shown, rows, row),
        facts=fact_card_of(shown, ticket),
    )


def _text(row: Row, name: str) -> str:
    value = row.values.get(name)
    return value if isinstance(value, str) else ""


def _int(row: Row, name: str) -> int:
    value = row.values.get(name)
    return value if isinstance(value, int) else 0


# --- conversation ----------------------------------------------------------------------------------------------------


def _items(shown: Shown, ticket: bytes, customer: bytes | None, kept: Kept) -> list[ThreadItem]:
    messages = _messages(shown, ticket, kept)
    items = [*messages, *_notes(shown, ticket), *_events(shown, ticket, customer)]
    names = _names(shown, items)
    placed = sorted(zip(_times(messages, items), range(len(items)), strict=True))
    return [_named(items[i], names) for _, i in placed]


def _times(messages: Sequence[ThreadItem], items: Sequence[ThreadItem]) -> list[int]:
    """Return where each item stands in time; messages keep the order of their numbers whatever their clocks say."""
    floor, at = 0, {}
    for message in sorted(messages, key=lambda m: m.msg_no):
        floor = max(floor, message.at)
        at[message.id] = floor
    return [at.get(item.id, item.at) for item in items]


def _messages(shown: Shown, ticket: bytes, kept: Kept) -> list[ThreadItem]:
    columns = "id, direction, author_kind, author, body, html, msg_no, coalesce(occurred_at, created_at), attachments"
    pending = shown.overlaid_ids(MESSAGE.number)
    heads = shown.select(MESSAGE.number, "id, scope_id, seq, rev", "ticket = ? AND deleted = 0", (ticket,))
    versions: dict[bytes, Version] = {id_: (scope, seq, rev) for id_, scope, seq, rev in heads}
    same = {
        i: kept[i][1] for i, version in versions.items() if i not in pending and i in kept and kept[i][0] == version
    }
    if same:
        found = shown.by_ids(MESSAGE.number, columns, [i for i in versions if i not in same], " AND deleted = 0")
    else:
        found = shown.select(MESSAGE.number, columns, "ticket = ? AND deleted = 0", (ticket,))
    read = [
        ThreadItem(
            id=id_,
            kind=ItemKind.MESSAGE_IN if direction == "in" else ItemKind.REPLY,
            at=at or 0,
            author_kind=author_kind or "",
            author=author,
            author_name="",
            body=body or "",
            html=html,
            msg_no=msg_no or 0,
            pending=id_ in pending,
            attachments=load_attachments(files),
        )
        for id_, direction, author_kind, author, body, html, msg_no, at, files in found
    ]
    kept.clear()
    kept |= {i: (versions[i], item) for i, item in same.items()}
    kept |= {item.id: (versions[item.id], item) for item in read if not item.pending}
    here = same | {item.id: item for item in read}
    return [here[i] for i in versions if i in here]


def _notes(shown: Shown, ticket: bytes) -> list[ThreadItem]:
    found = shown.select(
        NOTE.number, "id, author, body, created_at, attachments, html", "ticket = ? AND deleted = 0", (ticket,)
    )
    pending = shown.overlaid_ids(NOTE.number)
    return [
        ThreadItem(
            id_, ItemKind.NOTE, at or 0, "user", author, "", body or "", html, pending=id_ in pending,
            attachments=load_attachments(files),
        )
        for id_, author, body, at, files, html in found
    ]  # fmt: skip


def _events(shown: Shown, ticket: bytes, customer: bytes | None) -> list[ThreadItem]:
    columns = "id, kind, data, acted_at, actor_kind, actor"
    found = shown.select(HISTORY.number, columns, "subject = ? AND deleted = 0", (ticket,))
    pending = shown.overlaid_ids(HISTORY.number)
    items = [
        ThreadItem(
            id_, ItemKind.EVENT, at or 0, actor_kind or "", actor, "", "", pending=id_ in pending, event=kind or "",
            data=_object(data),
        )
        for id_, kind, data, at, actor_kind, actor in found
        if kind not in _SPOKEN
    ]  # fmt: skip
    return _with_facts(shown, items, customer)


def _with_facts(shown: Shown, items: list[ThreadItem], customer: bytes | None) -> list[ThreadItem]:
    """Tell of a session what its record says; whose deed it was stands there, whichever end handed the entry in."""
    records = {item.id: _record(item) for item in items if item.event.startswith("session.")}
    wanted = sorted({record for record in records.values() if record})
    if not wanted:
        return items
    facts = {id_: session_facts(entry or "") for id_, entry in shown.by_ids(SESSION_RECORD.number, "id, entry", wanted)}
    out = []
    for item in items:
        told = facts.get(records.get(item.id, b""), {})
        if told:
            item = replace(item, data={**item.data, **told})
        if told.get("by") == "customer" and item.author_kind != "customer":
            item = replace(item, author_kind="customer", author=customer)
        out.append(item)
    return out


def _record(item: ThreadItem) -> bytes:
    """Return which entry a line is about; that of a receipt is large and says nothing new."""
    if item.event == "session.receipt":
        return b""
    try:
        return bytes.fromhex(str(item.data.get("record", "")))
    except ValueError:
        return b""


def _object(raw: Any) -> Mapping[str, object]:
    try:
        parsed = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _names(shown: Shown, items: Sequence[ThreadItem]) -> dict[bytes, str]:
    authors = sorted({item.author for item in items if item.author})
    users = {i: name or "" for i, name in shown.by_ids(USER.number, "id, name", authors)}
    return users | customer_names(shown, [a for a in authors if a not in users])


def _named(item: ThreadItem, names: Mapping[bytes, str]) -> ThreadItem:
    name = names.get(item.author, "") if item.author else ""
    return ThreadItem(
        item.id, item.kind, item.at, item.author_kind, item.author, name, item.body, item.html, item.msg_no,
        item.pending, item.event, item.data, item.attachments,
    )  # fmt: skip


# --- customer --------------------------------------------------------------------------------------------------------


def _card(shown: Shown, rows: ShownRows, customer: CustomerId | None, ticket: bytes) -> CustomerCard | None:
    row = rows.get(CUSTOMER.number, customer) if customer else None
    if customer is None or row is None or row.deleted:
        return None
    organisation = row.values.get("organisation")
    org = rows.get(ORGANISATION.number, organisation) if isinstance(organisation, bytes) else None
    addresses = shown.select(
        CONTACT_ADDRESS.number, "kind, value, label, is_primary", "customer = ? AND deleted = 0", (customer,)
    )
    earlier = shown.select(
        TICKET.number, ROW_COLUMNS, "customer = ? AND id <> ? AND deleted = 0", (customer, ticket),
        order="last_at DESC", limit=EARLIER_TICKETS,
    )  # fmt: skip
    return CustomerCard(
        id=customer,
        name=_text(row, "preferred_name") or _text(row, "name"),
        honorific=_text(row, "honorific"),
        language=_text(row, "language"),
        tier=_text(row, "tier"),
        organisation=_text(org, "name") if org else None,
        addresses=sorted((AddressView(k or "", v or "", n or "", bool(p)) for k, v, n, p in addresses), key=_first),
        assets=_assets(shown, [i for i in (customer, organisation) if isinstance(i, bytes)]),
        earlier=ticket_rows(shown, earlier),
    )


def _first(address: AddressView) -> tuple[bool, str, str]:
    return (not address.is_primary, address.kind, address.value)


def _assets(shown: Shown, owners: Sequence[bytes]) -> list[AssetInfo]:
    columns = "id, product, model, serial, warranty_until, status, owner, order_ref, health"
    found = shown.by_values(ASSET.number, columns, "owner", owners, " AND deleted = 0")
    terms = terms_of(shown, [row[0] for row in found] + list(owners))
    out = []
    for id_, product, model, serial, warranty, status, owner, order, health in found:
        best = terms.get(id_) or terms.get(owner)
        texts = (product or "", model or "", serial or "")
        out.append(AssetInfo(id_, *texts, warranty, status or "", best, order or "", object_of(health)))
    return sorted(out, key=lambda a: (a.status == "retired", a.product, a.serial))
