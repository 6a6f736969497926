# SPDX-License-Identifier: GPL-3.0-or-later
"""What a notice of the desktop says, with names and texts or without, and what the icon in the tray says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.config.i18n import _, ngettext
from app.domain.alarms import NUMBER_LINE
from app.domain.invitation import BAD_INVITATION_LINE
from app.domain.notices import Notice, NoticeEvent, NoticeKind, Standing
from app.services.texts import polite

__all__ = ["NoticeWords", "notice_words", "spoken", "standing_words"]

_BODY_CHARS = 160


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """`buttons` are (name, label): "open" first, then "assign" and "snooze"."""

    title: str
    body: str
    buttons: tuple[tuple[str, str], ...]


def notice_words(notice: Notice, *, hide: bool, time_of_day: Callable[[int], str]) -> NoticeWords:
    """Return what a notice says. `hide`: no name, no number, no text; for policy and for a locked screen."""
    last = notice.events[-1]
    if hide:
        return NoticeWords(_hidden(notice), "", (("open", _("Open")),))
    title = f"{last.label} {last.subject}".strip()
    lines = [_line(last, time_of_day)]
    more = len(notice.events) - 1
    if more:
        lines.insert(0, ngettext("{n} more piece of news", "{n} more pieces of news", more).format(n=more))
    buttons = [("open", _("Open"))]
    if not last.mine:
        buttons.append(("assign", _("Assign to me")))
    buttons.append(("snooze", _("Snooze for an hour")))
    return NoticeWords(title, "\n".join(lines), tuple(buttons))


def spoken(events: Sequence[NoticeEvent], *, time_of_day: Callable[[int], str]) -> str:
    """Return what a screen reader says of news in the ticket that is in front."""
    return ". ".join(_line(event, time_of_day) for event in events)


def _hidden(notice: Notice) -> str:
    kinds = {event.kind for event in notice.events}
    if kinds == {NoticeKind.MESSAGE}:
        n = len(notice.events)
        return ngettext("New reply", "{n} new replies", n).format(n=n)
    if NoticeKind.ALARM in kinds:
        return _("Security alarm")
    return _("News in a ticket of yours")


def _line(event: NoticeEvent, time_of_day: Callable[[int], str]) -> str:
    who, text = event.who, _short(event.text)
    if event.kind is NoticeKind.MESSAGE:
        return _("{who} wrote: {text}").format(who=who or _("The customer"), text=text)
    if event.kind is NoticeKind.ASSIGNED:
        return _("{who} gave you this ticket").format(who=who) if who else _("This ticket is yours now")
    if event.kind is NoticeKind.MENTION:
        return _("{who} named you: {text}").format(who=who or _("A colleague"), text=text)
    if event.kind is NoticeKind.SNOOZE:
        return _("It comes back now, as you wished.")
    if event.kind in (NoticeKind.PROMISE, NoticeKind.PROMISE_DUE):
        return _promised(event, time_of_day)
    if event.kind in (NoticeKind.CALL, NoticeKind.CALL_MISSED):
        name, time = polite(event.who) or _("the customer"), _time(event.text, time_of_day)
        if event.kind is NoticeKind.CALL:
            return _("Call {name} at {time}.").format(name=name, time=time)
        missed = _("Nobody called {name} at {time} as agreed. Apologise and offer new times.")
        return missed.format(name=name, time=time)
    if event.kind is NoticeKind.FOLLOW_UP:
        return _("The follow-up of this complaint is due now.")
    if event.kind is NoticeKind.ALARM:
        return _alarm(event)
    if event.kind is NoticeKind.LATE:
        return _("It was due at {time}").format(time=_time(event.text, time_of_day))
    return _("It is due at {time}").format(time=_time(event.text, time_of_day))


def _alarm(event: NoticeEvent) -> str:
    """Say what happened, nothing of why: who caused it may read the notice, too."""
    name = polite(event.who) or _("the customer")
    if event.text == BAD_INVITATION_LINE:
        text = _("Security alarm: an invitation that could not be used came to the computer of {name}.")
    elif event.text == NUMBER_LINE:
        text = _("Security alarm: the check numbers differed in a session with {name}. It was ended.")
    else:
        text = _("Security alarm: something not allowed was stopped in a session with {name}.")
    return text.format(name=name)


def _promised(event: NoticeEvent, time_of_day: Callable[[int], str]) -> str:
    """Say what was promised and what can be done now."""
    time, name = _time(event.text, time_of_day), polite(event.who) or _("the customer")
    if event.kind is NoticeKind.PROMISE_DUE:
        return _("You promised {name} an answer by {time}. The time has come: answer now.").format(name=name, time=time)
    left = max(1, round((int(event.text) - event.at) / 60_000)) if event.text.isdigit() else 0
    text = ngettext(
        "You promised {name} an answer by {time}; {n} min is left. Write now, or tell a new time.",
        "You promised {name} an answer by {time}; {n} min are left. Write now, or tell a new time.", left,
    )  # fmt: skip
    return text.format(name=name, time=time, n=left)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BODY_CHARS else line[: _BODY_CHARS - 1] + "…"


def _time(text: str, time_of_day: Callable[[int], str]) -> str:
    return time_of_day(int(text)) if text.isdigit() else text


def standing_words(standing: Standing) -> str:
    """Return the tray icon's tooltip: everything that stands, the most pressing first."""
    said = []
    if standing.sharing:
        said.append(standing.sharing)
    if standing.needs_you:
        n = standing.needs_you
        said.append(ngettext("{n} needs you", "{n} need you", n).format(n=n))
    if standing.offline:
        said.append(_("Offline: what you do is safe here"))
    if standing.unread:
        n = standing.unread
        said.append(ngettext("{n} ticket waits for your answer", "{n} tickets wait for your answer", n).format(n=n))
    return "\n".join(["Deskside", *(said or [_("Nothing is waiting")])])
