# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what hangs on a ticket beside its conversation: watchers, links both ways, merges, time worked, promises."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.changes import Row
from app.domain.changes_complaints import closing_of
from app.domain.entities import MEMBERSHIP, TICKET, TIME_ENTRY, Category
from app.domain.ids import StateId, TicketId, UserId
from app.domain.related import LINK_KINDS, LinkedTicket, Related
from app.store.callbacks import calls_of_ticket
from app.store.lists import categories
from app.store.promises import promises_of_ticket
from app.store.shown import Shown
from app.store.surveys import answers_of

__all__ = ["related_of"]

_LINKS = (*LINK_KINDS, "split_from")
_MERGED_SHOWN = 50


def related_of(shown: Shown, row: Row) -> Related:
    """Return what hangs on a ticket; tickets that are not on this computer are left out."""
    ticket = row.id
    own = shown.select(MEMBERSHIP.number, "kind, member", "subject = ? AND present AND deleted = 0", (ticket,))
    kinds = ", ".join(f"'{kind}'" for kind in _LINKS)
    theirs = shown.select(
        MEMBERSHIP.number, "kind, subject", f"member = ? AND kind IN ({kinds}) AND present AND deleted = 0", (ticket,)
    )
    into, until, tier = (row.values.get(name) for name in ("merged_into", "snooze_until", "tier"))
    merged = shown.select(TICKET.number, "id", "merged_into = ? AND deleted = 0", (ticket,))[:_MERGED_SHOWN]
    out = [(kind, member, True) for kind, member in own if kind in _LINKS]
    back = [(kind, subject, False) for kind, subject in theirs]
    named = _tickets(shown, [i for _kind, i, _out in (*out, *back)] + [i for (i,) in merged] + ([into] if into else []))
    worked = shown.select(TIME_ENTRY.number, "duration_s", "ticket = ? AND deleted = 0", (ticket,))
    links = [
        LinkedTicket(t.id, t.label, t.subject, t.state, t.category, kind, outgoing)
        for kind, id_, outgoing in (*out, *back)
        if (t := named.get(id_)) is not None
    ]
    return Related(
        watchers=tuple(UserId(member) for kind, member in sorted(own) if kind == "watcher"),
        links=tuple(sorted(links, key=lambda link: (_LINKS.index(link.kind), not link.outgoing, link.id))),
        merged_into=named.get(into) if isinstance(into, bytes) else None,
        merged_here=tuple(named[i] for (i,) in sorted(merged) if i in named),
        snooze_until=until if isinstance(until, int) else None,
        tier=tier if isinstance(tier, int) else 1,
        worked_s=sum(seconds or 0 for (seconds,) in worked),
        promises=promises_of_ticket(shown, ticket),
        calls=calls_of_ticket(shown, ticket),
        closing=closing_of(row.values),
        answers=answers_of(shown, ticket),
    )


def _tickets(shown: Shown, ids: Sequence[object]) -> dict[bytes, LinkedTicket]:
    wanted = sorted({i for i in ids if isinstance(i, bytes)})
    if not wanted:
        return {}
    by_state = categories(shown)
    return {
        id_: LinkedTicket(
            TicketId(id_), f"#{number}" if number is not None else provisional or "#…", subject or "",
            StateId(state or b""), by_state.get(state, Category.OPEN),
        )
        for id_, number, provisional, subject, state in shown.by_ids(
            TICKET.number, "id, number, provisional, subject, state", wanted, " AND deleted = 0"
        )
    }  # fmt: skip
