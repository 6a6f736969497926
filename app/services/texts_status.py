# SPDX-License-Identifier: GPL-3.0-or-later
"""The status strip in words: what is sent, what waits since when, and what needs the person (UX-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.config.i18n import N_, _, ngettext
from app.domain.ports import OutboxItem, SyncPhase, SyncStatus
from app.services.messages import problem_text

__all__ = ["StatusWords", "change_name", "status_words"]


@dataclass(frozen=True, slots=True)
class StatusWords:
    """`short` stands in the strip, `full` says what is safe and what follows. `tone` is a colour role."""

    short: str
    full: str
    icon: str
    tone: str
    action: str = ""  # command that helps: "sync.now" or "sign_in"


def status_words(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    """Return the strip's sentence. `clock` writes a Unix time in ms as people read it, for example "10:42"."""
    maker = _BY_PHASE.get(status.phase, _offline)
    return maker(status, clock)


def _waiting(status: SyncStatus) -> str:
    n = status.waiting
    return ngettext("{n} change waits", "{n} changes wait", n).format(n=n) if n else ""


def _live(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    if status.waiting:
        return _syncing(status, clock)
    at = status.last_sync or status.since
    text = _("All sent {time}").format(time=clock(at))
    return StatusWords(text, _("Everything you did has reached the server."), "cloud-check", "success")


def _syncing(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    n = status.waiting
    if not n:
        return StatusWords(_("Getting news…"), _("New messages and changes are being loaded."), "refresh-cw", "muted")
    text = ngettext("Sending {n} change…", "Sending {n} changes…", n).format(n=n)
    return StatusWords(text, _("Saved on this computer; on the way to the server."), "cloud-upload", "muted")


def _connecting(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    text = _("Connecting…")
    if status.waiting:
        text = f"{text} {_waiting(status)}"
    return StatusWords(text, _("You can go on working; changes are safe on this computer."), "refresh-cw", "muted")


def _loading(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    text = _("Loading tickets…")
    if status.percent is not None:
        text = _("Loading tickets… {percent} %").format(percent=status.percent)
    return StatusWords(text, _("You can open what is already here."), "download", "muted")


def _offline(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    since = clock(status.since)
    short = _("Offline since {time}").format(time=since)
    if not status.waiting:
        full = _("Offline since {time}. You can go on working; changes go out when the connection is back.")
        return StatusWords(short, full.format(time=since), "cloud-off", "warning", "sync.now")
    short = f"{short} · {_waiting(status)}"
    full = ngettext(
        "Offline since {time}. Your {n} change is safe on this computer and goes out when the connection is back.",
        "Offline since {time}. Your {n} changes are safe on this computer and go out when the connection is back.",
        status.waiting,
    ).format(time=since, n=status.waiting)
    return StatusWords(short, full, "cloud-off", "warning", "sync.now")


def _stuck(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    short = _("Sync is stuck since {time}").format(time=clock(status.since))
    if status.waiting:
        short = f"{short} · {_waiting(status)}"
    return StatusWords(short, problem_text(status.code or "busy"), "triangle-alert", "danger", "sync.now")


def _signed_out(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    short = _("Sign-in needed")
    if status.waiting:
        short = f"{short} · {_waiting(status)}"
    return StatusWords(short, problem_text("token"), "log-in", "warning", "sign_in")


def _refused(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    return StatusWords(
        _("The server refuses this device"), problem_text(status.code or "token"), "ban", "danger", "sign_in"
    )


def _worker_down(status: SyncStatus, clock: Callable[[int], str]) -> StatusWords:
    del clock
    short = _("Sending is being restarted")
    if status.waiting:
        short = f"{short} · {_waiting(status)}"
    full = _("The part that sends and receives stopped and is started again. Your changes are safe on this computer.")
    return StatusWords(short, full, "unplug", "warning")


_BY_PHASE: Mapping[SyncPhase, Callable[[SyncStatus, Callable[[int], str]], StatusWords]] = {
    SyncPhase.LIVE: _live,
    SyncPhase.SYNCING: _syncing,
    SyncPhase.CONNECTING: _connecting,
    SyncPhase.LOADING: _loading,
    SyncPhase.OFFLINE: _offline,
    SyncPhase.STUCK: _stuck,
    SyncPhase.SIGNED_OUT: _signed_out,
    SyncPhase.REFUSED: _refused,
    SyncPhase.WORKER_DOWN: _worker_down,
}

_CHANGES: Mapping[str, str] = {
    "ticket.create": N_("New ticket"),
    "ticket.set": N_("Change of fields"),
    "message.add": N_("Reply"),
    "note.add": N_("Internal note"),
    "member.add": N_("Tag added"),
    "member.remove": N_("Tag removed"),
    "customer.set": N_("Change of a customer"),
    "session.record": N_("Record of a session"),
}


def change_name(item: OutboxItem) -> str:
    """Return what a waiting change is, in words."""
    return _(_CHANGES[item.name]) if item.name in _CHANGES else item.name
