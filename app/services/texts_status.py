# SPDX-License-Identifier: GPL-3.0-or-later
"""The status strip in words: what is sent, what waits since when, and what needs the person (UX-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.config.i18n import N_, _, language, ngettext
from app.domain.ports import Choices, OutboxItem, SyncPhase, SyncStatus
from app.services.messages import problem_text
from app.services.texts_needs import change_words

__all__ = ["StatusWords", "change_name", "scope_name", "status_words"]


Clock = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class StatusWords:
    """`short` stands in the strip, `full` says what is safe and what follows. `tone` is a colour role."""

    short: str
    full: str
    icon: str
    tone: str
    action: str = ""  # what helps: "sync.now", "sign_in" or "details" (what happened and what to do)


def status_words(status: SyncStatus, clock: Clock, place: str = "") -> StatusWords:
    """Return the strip's sentence. `clock` writes a Unix time in ms as people read it, for example "10:42"; `place`
    names what is being loaded.
    """
    if status.phase is SyncPhase.LOADING:
        return _loading(status, place)
    return _BY_PHASE.get(status.phase, _offline)(status, clock)


def scope_name(scope: str | None, choices: Choices) -> str:
    """Return what a scope holds, in words; "" for none."""
    if not scope:
        return ""
    kind, _colon, rest = scope.partition(":")
    if kind == "team":
        team, _colon, archive = rest.partition(":")
        korean, english = next((n for t, n in choices.teams.items() if t.hex() == team), ("", ""))
        name = korean if language() == "ko" else english or korean
        if archive:
            return _("archive of team {name}").format(name=name) if name else _("archive")
        return _("team {name}").format(name=name) if name else _("tickets")
    known = {"ref": _("lists and names"), "user": _("your own things"), "cust": _("customers")}
    return known.get(kind, _("tickets"))


def _waiting(status: SyncStatus, clock: Clock) -> str:
    n = status.waiting
    if not n:
        return ""
    if status.waiting_since is None:
        return ngettext("{n} waiting", "{n} waiting", n).format(n=n)
    return ngettext("{n} waiting since {time}", "{n} waiting since {time}", n).format(
        n=n, time=clock(status.waiting_since)
    )


def _with_waiting(short: str, status: SyncStatus, clock: Clock) -> str:
    return " · ".join(filter(None, (short, _waiting(status, clock))))


def _live(status: SyncStatus, clock: Clock) -> StatusWords:
    if status.waiting:
        return _syncing(status, clock)
    at = status.last_sync or status.since
    text = _("All sent {time}").format(time=clock(at))
    return StatusWords(text, _("Everything you did has reached the server."), "cloud-check", "success")


def _syncing(status: SyncStatus, clock: Clock) -> StatusWords:
    n = status.waiting
    if not n:
        return StatusWords(_("Getting news…"), _("New messages and changes are being loaded."), "refresh-cw", "muted")
    full = _("Saved on this computer; on the way to the server.")
    since, last = status.waiting_since, status.last_sync
    if since is not None and last is not None and since < last:  # an exchange went by without it
        return StatusWords(_waiting(status, clock), full, "cloud-upload", "muted", "sync.now")
    text = ngettext("Sending {n} change…", "Sending {n} changes…", n).format(n=n)
    return StatusWords(text, full, "cloud-upload", "muted")


def _connecting(status: SyncStatus, clock: Clock) -> StatusWords:
    text = _with_waiting(_("Connecting…"), status, clock)
    return StatusWords(text, _("You can go on working; changes are safe on this computer."), "refresh-cw", "muted")


def _loading(status: SyncStatus, place: str) -> StatusWords:
    place = place or _("tickets")
    text = _("Loading {place}…").format(place=place)
    if status.percent is not None:
        text = _("Loading {place} {percent} %").format(place=place, percent=status.percent)
    return StatusWords(text, _("You can open what is already here."), "download", "muted")


def _offline(status: SyncStatus, clock: Clock) -> StatusWords:
    since = clock(status.since)
    short = _with_waiting(_("Offline since {time}").format(time=since), status, clock)
    if not status.waiting:
        full = _("Offline since {time}. You can go on working; changes go out when the connection is back.")
        return StatusWords(short, full.format(time=since), "cloud-off", "warning", "sync.now")
    full = ngettext(
        "Offline since {time}. Your {n} change is safe on this computer and goes out when the connection is back.",
        "Offline since {time}. Your {n} changes are safe on this computer and go out when the connection is back.",
        status.waiting,
    ).format(time=since, n=status.waiting)
    return StatusWords(short, full, "cloud-off", "warning", "sync.now")


def _stuck(status: SyncStatus, clock: Clock) -> StatusWords:
    short = _with_waiting(_("Sync is stuck"), status, clock)
    full = _(
        "Since {time} nothing more gets through, although the server answers. Your changes are safe on this computer. "
        "See what happened and what you can do."
    ).format(time=clock(status.since))
    return StatusWords(short, full, "triangle-alert", "danger", "details")


def _signed_out(status: SyncStatus, clock: Clock) -> StatusWords:
    short = _with_waiting(_("Sign-in needed"), status, clock)
    return StatusWords(short, problem_text("token"), "log-in", "warning", "sign_in")


_REFUSALS: Mapping[str, tuple[str, str]] = {
    "suspended": (N_("Your account is suspended"), "details"),
    "revoked": (N_("This device was withdrawn"), "details"),
    "schema": (N_("This version is too old for the server"), "details"),
    "wrong_server": (N_("This is not the server of your profile"), "details"),
}


def _refused(status: SyncStatus, clock: Clock) -> StatusWords:
    short, action = _REFUSALS.get(status.code or "", (N_("The server refuses this device"), "sign_in"))
    text = _with_waiting(_(short), status, clock)
    return StatusWords(text, problem_text(status.code or "token"), "ban", "danger", action)


def _worker_down(status: SyncStatus, clock: Clock) -> StatusWords:
    short = _with_waiting(_("Sending is being restarted"), status, clock)
    full = _("The part that sends and receives stopped and is started again. Your changes are safe on this computer.")
    return StatusWords(short, full, "unplug", "warning")


_BY_PHASE: Mapping[SyncPhase, Callable[[SyncStatus, Clock], StatusWords]] = {
    SyncPhase.LIVE: _live,
    SyncPhase.SYNCING: _syncing,
    SyncPhase.CONNECTING: _connecting,
    SyncPhase.OFFLINE: _offline,
    SyncPhase.STUCK: _stuck,
    SyncPhase.SIGNED_OUT: _signed_out,
    SyncPhase.REFUSED: _refused,
    SyncPhase.WORKER_DOWN: _worker_down,
}


def change_name(item: OutboxItem) -> str:
    """Return what a waiting change is, in words."""
    return change_words(item.name)
