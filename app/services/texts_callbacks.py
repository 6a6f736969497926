# SPDX-License-Identifier: GPL-3.0-or-later
"""Callbacks in words: how one stands, its lines in the history, what was told of the wait, and the apology's draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from app.config.i18n import _
from app.domain.callbacks import SLOT_MS, Callback, CallState, as_it_stands
from app.services.texts import polite
from app.services.texts_due import Level, Moments, Words

__all__ = ["acknowledged_line", "apology", "call_line", "call_words", "clock_text", "slot_text"]

_ICON = "phone"
_APOLOGY_SLOTS = 3


def clock_text(ms: int) -> str:
    """Return the time of day on this computer."""
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%H:%M")
    except (ValueError, OverflowError, OSError):
        return ""


def slot_text(start_ms: int, day: Callable[[int], str]) -> str:
    """Return a half hour in words; `day` names the day of an instant."""
    times = f"{clock_text(start_ms)}–{clock_text(start_ms + SLOT_MS)}"
    return f"{day(start_ms)} {times}".strip()


def call_words(call: Callback, now_ms: int, day: Callable[[int], str], moments: Moments) -> Words:
    """Return how a callback stands and how much it presses."""
    when, what = slot_text(call.start, day), as_it_stands(call, now_ms)
    if what is CallState.CANCELLED:
        return Words(_("Call {when}: cancelled").format(when=when), Level.PAUSED)
    if what is CallState.MISSED:
        if call.closed_at is not None:
            return Words(_("Call {when}: missed, since made up for").format(when=when), Level.PAUSED)
        return Words(_("Call {when}: missed, nobody called").format(when=when), Level.LATE)
    if what is CallState.DONE:
        text = _("Call {when}: reached") if call.reached else _("Call {when}: tried, not reached")
        return Words(text.format(when=when), Level.DONE)
    if what is CallState.REQUESTED:
        if call.pending:
            text = _("Call {when}: asked for here, not confirmed until the server answers")
        else:
            text = _("Call {when}: asked for, but that time is not free. Give another one.")
        return Words(text.format(when=when), Level.WARNING)
    if call.attempts and not call.reached:
        return Words(_("Call {when}: tried, not reached yet").format(when=when), Level.WARNING)
    if now_ms > call.end:
        return Words(_("Call {when}: call now, the time is over").format(when=when), Level.LATE)
    if now_ms >= call.start:
        return Words(_("Call {when}: call now").format(when=when), Level.WARNING)
    left = moments.length(max(60, (call.start - now_ms) // 1000))
    return Words(_("Call {when}, in {left}").format(when=when, left=left), Level.CALM)


def call_line(data: Mapping[str, object], who: str) -> tuple[str, str, bool] | None:
    """Return words, icon and weight of a history line; None for what this version does not know."""
    start = data.get("slot_start")
    when = _moment(start) if isinstance(start, int) else ""
    moved = bool(data.get("moved"))
    asked = _("{who} moved the call to {when}") if moved else _("{who} asked for a call at {when}")
    texts = {
        CallState.REQUESTED.value: (_("{who} wishes for a call at {when}; the time is not confirmed"), _ICON, False),
        CallState.CONFIRMED.value: (asked, _ICON, False),
        CallState.CANCELLED.value: (_("{who} cancelled the call at {when}"), "x", False),
        "settled": (_("{who} made up for the missed call of {when}"), "circle-check", False),
        "taken": (_("{who} will call at {when}"), _ICON, False),
        "given_back": (_("Nobody in particular will call at {when} any more"), _ICON, False),
        "reached": (_("{who} called and reached the customer (call of {when})"), "circle-check", False),
        "not_reached": (_("{who} called and did not reach the customer (call of {when})"), "circle-alert", False),
        CallState.MISSED.value: (_("The call at {when} was missed: nobody called"), "circle-alert", True),
    }
    found = texts.get(str(data.get("what")))
    return (found[0].format(who=who, when=when), found[1], found[2]) if found is not None else None


def acknowledged_line(data: Mapping[str, object]) -> tuple[str, str, bool]:
    """Return words, icon and weight of the line that says what the customer was told of the wait."""
    usual, latest, opens = (
        _moment(at * 1000) if isinstance(at := data.get(name), int) else ""
        for name in ("usual_s", "latest_s", "opens_s")
    )
    text = _("The customer was told that the request is here")
    if data.get("basis") == "answers" and usual and latest:
        text = _("The customer was told: usually answered by {usual}, at the latest by {latest}")
    elif data.get("basis") == "target" and latest:
        text = _("The customer was told: answered by {latest}")
    elif opens:
        text = _("The customer was told: support opens again at {opens}")
    return text.format(usual=usual, latest=latest, opens=opens), "clock", False


def apology(name: str, missed_ms: int, slots: Sequence[int], korean: bool, day: Callable[[int], str]) -> str:
    """Return the draft of an apology with new times, in the customer's language."""
    when = slot_text(missed_ms, day)
    times = "\n".join(f"- {slot_text(start, day)}" for start in slots[:_APOLOGY_SLOTS])
    if korean:
        begin = f"{polite(name) or '고객님'}, 약속드린 {when}에 전화드리지 못했습니다. 기다리게 해 드려 죄송합니다."
        offer = f"다음 시간 중 편하신 때를 알려 주시면 꼭 전화드리겠습니다.\n{times}"
        return f"{begin}\n\n{offer}" if times else f"{begin}\n\n통화하기 편하신 시간을 알려 주세요."
    begin = (
        f"Dear {name or 'customer'},\n\nwe did not call you as agreed ({when}). We are sorry that we kept you waiting."
    )
    offer = f"Please tell us which of these times suits you, and we will call:\n{times}"
    return f"{begin}\n\n{offer}" if times else f"{begin}\n\nPlease tell us when we may call you."


def _moment(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""
