# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps searches as views: save, edit, share, order, delete; each can be undone. Blocks on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.config.i18n import _
from app.domain.changes import AnyChange, ViewCreate, ViewDelete, ViewSet
from app.domain.changes_views import may_write
from app.domain.entities import Value
from app.domain.ids import TeamId, UserId, ViewId, new_id
from app.domain.ports import Commits, Identity, SavedView, SortKey
from app.services.triage import Done

__all__ = ["SavedViews", "ViewDraft", "in_order", "may_change", "moved", "short_name"]

ORDER_KEY = "agent.views.order"
_NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class ViewDraft:
    """A view as a person fills it in."""

    name: str
    condition: str
    sort: SortKey = SortKey.LAST_ACTIVITY
    share: str = "me"
    team: TeamId | None = None
    columns: tuple[str, ...] = ()
    pinned: bool = True


class SavedViews:
    """Use cases on saved views. Thread: a worker, one call at a time; saved when a call returns.

    Raises Refused, StoreUnavailable.
    """

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits = commits
        self._make_id = make_id

    def create(self, draft: ViewDraft) -> tuple[ViewId, Done]:
        """Keep a search under a name."""
        view = ViewId(self._make_id())
        change = ViewCreate(
            self._make_id(), view, draft.name.strip(), draft.condition, draft.sort.value, draft.share, _team(draft),
            _columns(draft), draft.pinned,
        )  # fmt: skip
        return view, self._run(change, _("View “{name}” saved").format(name=draft.name.strip()), view)

    def edit(self, view: SavedView, draft: ViewDraft) -> Done:
        """Set what differs."""
        wanted: dict[str, Value] = {
            "name": draft.name.strip(), "condition": draft.condition, "sort": draft.sort.value, "share": draft.share,
            "team": _team(draft), "columns": _columns(draft), "pinned": draft.pinned,
        }  # fmt: skip
        had: dict[str, Value] = {
            "name": view.name, "condition": view.condition, "sort": view.sort.value, "share": view.share,
            "team": view.team, "columns": json.dumps(list(view.columns)) if view.columns else None,
            "pinned": view.pinned,
        }  # fmt: skip
        fields = {name: value for name, value in wanted.items() if had[name] != value}
        if not fields:
            return Done("", (), frozenset())
        label = _("View “{name}” changed").format(name=draft.name.strip())
        return self._run(ViewSet(self._make_id(), view.id, dict(fields)), label, view.id)

    def delete(self, view: SavedView) -> Done:
        """Take a view out of everybody's sight."""
        label = _("View “{name}” deleted").format(name=view.name)
        return self._run(ViewDelete(self._make_id(), view.id), label, view.id)

    def _run(self, change: AnyChange, label: str, view: ViewId) -> Done:
        done = self._commits.commit(change)
        return Done(label, (done.undo,) if done.undo else (), done.ids | {view}, done.mid)


def _team(draft: ViewDraft) -> TeamId | None:
    return draft.team if draft.share == "team" else None


def _columns(draft: ViewDraft) -> str | None:
    return json.dumps(list(draft.columns)) if draft.columns else None


def may_change(view: SavedView, identity: Identity | None) -> bool:
    """Tell whether this person may edit and delete a view."""
    if identity is None:
        return False
    values: Mapping[str, Value] = {"share": view.share, "owner": view.owner}
    return may_write(values, UserId(identity.account), identity.roles)


def short_name(text: str) -> str:
    """Return a text as the name of a view."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _NAME_CHARS else flat[: _NAME_CHARS - 1] + "…"


def in_order(views: Sequence[SavedView], order: Sequence[str]) -> list[SavedView]:
    """Return views in the order that the person gave them on this computer; new ones stand last."""
    places = {id_: place for place, id_ in enumerate(order)}
    return sorted(views, key=lambda view: places.get(view.id.hex(), len(places)))


def moved(views: Sequence[SavedView], view: ViewId, by: int) -> list[str]:
    """Return the order after a view went up (-1) or down (1)."""
    ids = [v.id for v in views]
    if view not in ids:
        return [i.hex() for i in ids]
    place = ids.index(view)
    ids.insert(max(0, min(len(ids) - 1, place + by)), ids.pop(place))
    return [i.hex() for i in ids]
