# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned replies and macros: what fills their placeholders, and keeping, ordering and running them. Blocks on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.config.i18n import _
from app.domain.changes import AnyChange, TemplateCreate, TemplateDelete, TemplateSet
from app.domain.changes_views import may_write
from app.domain.entities import Value
from app.domain.ids import TeamId, new_id
from app.domain.ports import Commits, Identity, Template, TicketDetails
from app.services.triage import Done

__all__ = ["TemplateDraft", "Templates", "facts_of", "language_of", "may_change"]

OUTSIDE_PREFIX = "DS-"  # before numbers in what customers read


def facts_of(details: TicketDetails, agent: str) -> dict[str, str]:
    """Return what placeholders stand for on this ticket. A number that is only provisional never goes out."""
    row, card = details.row, details.customer
    return {
        "customer.name": card.name if card is not None else row.customer_name,
        "customer.organisation": (card.organisation or "") if card is not None else "",
        "ticket.number": f"{OUTSIDE_PREFIX}{row.number}" if row.number is not None else "",
        "ticket.subject": row.subject,
        "agent.name": agent,
    }


def language_of(details: TicketDetails) -> str:
    """Return the language in which this customer is written to."""
    language = details.customer.language if details.customer is not None else "ko"
    return "ko" if language.startswith("ko") else "en"


def may_change(template: Template, identity: Identity | None) -> bool:
    """Tell whether the person signed in may edit, order or delete it."""
    if identity is None:
        return False
    values: dict[str, Value] = {"owner": template.owner, "share": template.share}
    return may_write(values, identity.account, identity.roles)


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A canned reply or a macro as a person fills it in."""

    kind: str
    names: Mapping[str, str]
    bodies: Mapping[str, str]
    folder: str = ""
    actions: Sequence[tuple[str, object]] = ()
    share: str = "me"
    team: TeamId | None = None

    def fields(self) -> dict[str, Value]:
        """Return the columns."""
        actions = json.dumps([{"do": what, "value": value} for what, value in self.actions], ensure_ascii=False)
        return {
            "name_ko": self.names.get("ko", "").strip(), "name_en": self.names.get("en", "").strip(),
            "folder": self.folder.strip(), "body_ko": self.bodies.get("ko", ""), "body_en": self.bodies.get("en", ""),
            "actions": actions if self.actions else None, "share": self.share,
            "team": self.team if self.share == "team" else None,
        }  # fmt: skip


class Templates:
    """Use cases on canned replies and macros. Thread: a worker; saved when a call returns.

    Raises Refused, StoreUnavailable.
    """

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits = commits
        self._make_id = make_id

    def create(self, draft: TemplateDraft, position: int = 0) -> Done:
        """Keep a new one."""
        fields = {**draft.fields(), "position": position}
        change = TemplateCreate(self._make_id(), self._make_id(), draft.kind, dict(fields))
        return self._run(change, change.template, _("“{name}” saved").format(name=_name(draft)))

    def edit(self, template: Template, draft: TemplateDraft) -> Done:
        """Set what differs."""
        had = TemplateDraft(
            template.kind, template.names, template.bodies, template.folder, template.actions, template.share,
            template.team,
        ).fields()  # fmt: skip
        fields = {name: value for name, value in draft.fields().items() if had[name] != value}
        if not fields:
            return Done("", (), frozenset())
        change = TemplateSet(self._make_id(), template.id, dict(fields))
        return self._run(change, template.id, _("“{name}” changed").format(name=_name(draft)))

    def delete(self, template: Template) -> Done:
        """Take it out of everybody's sight; can be undone."""
        change = TemplateDelete(self._make_id(), template.id)
        return self._run(change, template.id, _("“{name}” deleted").format(name=template.name("ko")))

    def order(self, templates: Sequence[Template]) -> Done:
        """Give those that are not in their place the place they have in this list."""
        undo: list[AnyChange] = []
        ids: set[bytes] = set()
        mid = 0
        for place, template in enumerate(templates):
            if template.position != place:
                done = self._commits.commit(TemplateSet(self._make_id(), template.id, {"position": place}))
                ids |= done.ids | {template.id}
                mid = done.mid
                undo = [done.undo, *undo] if done.undo is not None else undo
        return Done(_("Order changed") if ids else "", tuple(undo), frozenset(ids), mid)

    def _run(self, change: AnyChange, id_: bytes, label: str) -> Done:
        done = self._commits.commit(change)
        return Done(label, (done.undo,) if done.undo else (), done.ids | {id_}, done.mid)


def _name(draft: TemplateDraft) -> str:
    return next((name.strip() for name in draft.names.values() if name.strip()), "")
