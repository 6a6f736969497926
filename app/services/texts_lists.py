# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of empty lists: what belongs here, which filters leave nothing, what is not on this computer; one way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.config.i18n import N_, _
from app.domain.ports import SavedView, SyncPhase, SyncStatus, ViewKey
from app.domain.search_text import Part
from app.services.texts_views import filters_in_words

__all__ = ["EmptyWords", "as_search", "missing_words", "nothing_fits", "nothing_found", "nothing_here"]

_EMPTY: Mapping[ViewKey, str] = {
    ViewKey.MINE: N_("Tickets you take or are given stand here."),
    ViewKey.UNASSIGNED: N_("Every ticket has an owner."),
    ViewKey.TEAM: N_("Open tickets of your teams stand here."),
    ViewKey.WAITING: N_("Tickets that wait for an answer of the customer stand here."),
    ViewKey.SNOOZED: N_("Tickets that come back later stand here."),
}
_AWAKE = "state:live -is:snoozed"
# the views that every agent has, as people would search for them
_SEARCHES: Mapping[ViewKey, str] = {
    ViewKey.MINE: f"owner:me {_AWAKE}",
    ViewKey.UNASSIGNED: f"owner:none {_AWAKE}",
    ViewKey.TEAM: f"team:me {_AWAKE}",
    ViewKey.WAITING: "state:waiting_customer state:waiting_internal state:held_for_incident -is:snoozed",
    ViewKey.SNOOZED: "state:live is:snoozed",
    ViewKey.ALL_LIVE: _AWAKE,
    ViewKey.SOLVED: "state:solved",
    ViewKey.ALL: "",
}


@dataclass(frozen=True, slots=True)
class EmptyWords:
    """What an empty list says, and the label of its one button."""

    title: str
    text: str
    action: str


def as_search(view: ViewKey) -> str:
    """Return the search text that shows what a view shows."""
    return _SEARCHES[view]


def nothing_found(search: str) -> EmptyWords:
    """A search found nothing."""
    return EmptyWords(
        _("Nothing found for “{text}”").format(text=search),
        _("The search looked through everything on this computer. Try fewer or other words."),
        _("End the search"),
    )


def nothing_fits(parts: Sequence[Part]) -> EmptyWords:
    """The filters leave nothing: these are they."""
    return EmptyWords(_("No ticket fits these filters"), filters_in_words(parts), _("Clear the filters"))


def nothing_here(view: ViewKey, saved: SavedView | None, parts: Sequence[Part]) -> EmptyWords:
    """A view has no tickets: this is what it would show."""
    text = _(_EMPTY.get(view, N_("Tickets stand here.")))
    if saved is not None:
        text = _("This view shows: {filters}").format(filters=filters_in_words(parts) or _("everything"))
    return EmptyWords(_("Nothing here"), text, _("Show all open tickets"))


def missing_words(status: SyncStatus | None, moment: Callable[[int], str]) -> str:
    """Return what is not on this computer, if that may be why a list is empty; `moment` writes a Unix time in ms."""
    if status is None:
        return ""
    if status.phase is SyncPhase.LOADING:
        return _("Tickets are still being loaded; more will come.")
    cut = status.phase in (SyncPhase.OFFLINE, SyncPhase.SIGNED_OUT, SyncPhase.STUCK)
    if cut and status.last_sync is None:
        return _("Nothing has been loaded onto this computer yet. It needs the server once.")
    if status.phase is SyncPhase.OFFLINE and status.last_sync is not None:
        return _("Offline: what came after {when} is not on this computer.").format(when=moment(status.last_sync))
    return ""
