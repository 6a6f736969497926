# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences of the customer's windows: what happened, what is safe, what can be done."""

from __future__ import annotations

from app.config.i18n import _, ngettext
from app.domain.assist import TargetChoice
from widgets.companion.model import HomeView, Line, LineState
from widgets.foundation import fmt

__all__ = [
    "end_reason",
    "line_text",
    "open_text",
    "presence_text",
    "spoken_number",
    "target_title",
    "ticket_label",
    "trouble",
]


def open_text(home: HomeView, now_ms: int) -> tuple[str, bool]:
    """Return how the hours stand now, in the customer's own zone, and whether support is open."""
    state = home.hours.at(now_ms)
    if not state.changes_ms:
        return _("Hours not known"), False
    time = fmt.time_of_day(state.changes_ms)
    if state.open:
        return _("Open now, until {time}").format(time=time), True
    day = fmt.weekday(state.changes_ms, now_ms)
    return _("Closed, opens {day} {time}").format(day=day, time=time).replace("  ", " "), False


def presence_text(home: HomeView, line: Line, now_ms: int) -> str:
    """Return whether somebody is at the desk: only while that is known to be so now, and support is not closed."""
    state = home.hours.at(now_ms)
    if line is not Line.ONLINE or home.somebody is None or (state.changes_ms and not state.open):
        return ""
    if home.somebody:
        return _("Somebody is there now.")
    if not state.changes_ms:
        return ""
    return _("Support is open, but nobody is at the desk right now. Write to us: we answer as soon as we can.")


def line_text(state: LineState, as_of_ms: int) -> str:
    """Return the status line: never "sent" before the server has it."""
    waiting = ngettext("{n} item waits and is sent later.", "{n} items wait and are sent later.", state.waiting)
    tail = " " + waiting.format(n=state.waiting) if state.waiting else ""
    if state.line is Line.ONLINE:
        if state.waiting:
            return _("Sending…") + tail
        return _("All sent {time}").format(time=fmt.time_of_day(max(as_of_ms, state.since_ms)))
    if state.line is Line.CONNECTING:
        return _("Connecting…") + tail
    if state.line is Line.REFUSED:
        return trouble(state.code) + tail
    age = _(" What you see is from {time}.").format(time=fmt.moment(as_of_ms)) if as_of_ms else ""
    return _("Offline since {time}.").format(time=fmt.time_of_day(state.since_ms)) + tail + age


def spoken_number(number: int | None) -> str:
    """Return "#4182", or what stands there until the server gave a number."""
    return f"#{number}" if number is not None else _("new")


def ticket_label(number: str) -> str:
    """Return a ticket number from an invitation as people write it: "#4182"; a provisional one stays as it is."""
    return f"#{number}" if number.isdigit() else number


def target_title(target: TargetChoice) -> str:
    """Return what a thing that can be shared is called; the titles of windows are from outside."""
    if target.kind == "drawn":
        return _("Test picture")
    if target.kind == "screen":
        width, height = target.rect[2:]
        number = target.id.rpartition(":")[2]
        name = _("Screen {n}").format(n=int(number) + 1) if number.isdigit() else target.title or _("Screen")
        return f"{name}, {width} × {height}"
    return target.title or _("Window without a name")


def trouble(code: str, **details: object) -> str:
    """Return what a person is told about a failure: what happened, what is safe, what to do."""
    text = _TROUBLES.get(code)
    words: dict[str, object] = {"server": _("the server"), "path": "", "kept": ""} | details
    return (text() if text else _("Something did not work ({code}). Nothing was changed.")).format(code=code, **words)


_TROUBLES = {
    "server_unreachable": lambda: _(
        "{server} does not answer. Nothing was changed. Check the network, or ask support for a new link."
    ),
    "tls_failure": lambda: _(
        "The connection to {server} is not secure: its certificate was not accepted. Nothing was sent. "
        "Tell your support; do not go on from a network you do not trust."
    ),
    "wrong_server": lambda: _(
        "{server} answered, but it is not the server of your support. "
        "Nothing was sent, and what you wrote is kept here. Call support at the number you know."
    ),
    "key_refused": lambda: _(
        "{server} shows a new key of your support that the key known here does not vouch for. It was not accepted, "
        "nothing was sent, and what you wrote is kept here. Call support at the number you know."
    ),
    "key_not_yet": lambda: _(
        "{server} shows a new key of your support that counts only from a later time. Nothing was sent. Check date and "
        "time of this computer; if they are right, call support at the number you know."
    ),
    "key_against_policy": lambda: _(
        "{server} shows a new key of your support, but policy on this computer does not name it. It was not accepted, "
        "and nothing was sent. Ask your administrator."
    ),
    "insecure_link": lambda: _(
        "This link would send everything unencrypted, so it is not used. Ask support for a link that begins with https."
    ),
    "bad_link": lambda: _("This is no enrolment link or code. Copy it whole from the message you got."),
    "enrol_fixed": lambda: _(
        "Policy on this computer says that it belongs to {server}. This link leads elsewhere, so it was not used. "
        "Ask your administrator."
    ),
    "enrol_other_key": lambda: _(
        "{server} shows another key than the one that was set for this computer. Nothing was connected. "
        "Call support at the number you know."
    ),
    "enrol_policy_broken": lambda: _(
        "Policy on this computer says whom it belongs to, but nobody can read it. Nothing can be connected until your "
        "administrator has mended it."
    ),
    "enrol_file_big": lambda: _("The enrolment file {path} is too large to be one. It was not used."),
    "enrol_file_broken": lambda: _("The enrolment file {path} cannot be read. It was not used. Ask for a new one."),
    "enrol_file_new": lambda: _(
        "The enrolment file {path} is for a newer version of this program. It was not used. Update the program first."
    ),
    "enrol_file_foreign": lambda: _(
        "The enrolment file {path} could have been changed by somebody else. It was not used. It must belong to you or "
        "the administrator, and nobody else may write it."
    ),
    "enrol_file_unread": lambda: _("The enrolment file {path} cannot be opened. It was not used."),
    "code_used": lambda: _("This code was used already or is too old. Nothing was changed. Ask support for a new one."),
    "enrol_refused": lambda: _(
        "This code was used already or is too old. Nothing was changed. Ask support for a new one."
    ),
    "key_changed": lambda: _(
        "The key of this organisation changed while you looked at it. Nothing was changed. Call support."
    ),
    "companion_revoked": lambda: _(
        "Support has ended the enrolment of this computer. What you wrote is kept here. Ask for a new link."
    ),
    "slot_full": lambda: _(
        "This half hour takes no more calls. The call that was agreed before stays. Choose another time."
    ),
    "closed": lambda: _("This request is closed, so no call can be asked for. Write to us, and it goes on."),
    "blocked": lambda: _("Too many tries. Nothing was changed. Please wait 15 minutes and try again."),
    "bad_code": lambda: _(
        "This code is not valid any more, or not for you. Ask the person on the phone for a new one."
    ),
    "bad_invitation": lambda: _(
        "An invitation to share your screen was refused, because it is not a valid one of your support. "
        "Nobody saw anything. If somebody called you about it, hang up and call support at the number you know."
    ),
    "forbidden": lambda: _(
        "Support asked to see your screen. Policy on this computer allows no screen sharing, so nothing was shown. "
        "You can go on in writing."
    ),
    "no_keyring": lambda: _(
        "This computer has no safe place for keys. Choose a passphrase, which is asked each time the app starts."
    ),
    "wrong_passphrase": lambda: _("This passphrase does not open your data. Nothing was changed. Please try again."),
    "store_damaged": lambda: _(
        "The file with your data was damaged and has been set aside as {kept}. Unsent requests in it may be lost. "
        "Please enrol again with a new link."
    ),
    "store_wrong_key": lambda: _(
        "The file with your data does not fit the key of this computer. It is kept as it is: {path}"
    ),
    "store_too_new": lambda: _(
        "Your data was written by a newer version of this app. It is kept as it is. Please install the newer version."
    ),
    "secrets_damaged": lambda: _(
        "The file with the keys is damaged. It is kept as it is: {path}. Ask your support for help."
    ),
    "secrets_not_saved": lambda: _("{path} could not be written. Choose another place."),
    "not_saved": lambda: _("{path} could not be written. Choose another place."),
    "store_unavailable": lambda: _(
        "The file with your data cannot be opened: {path}. It is kept as it is. Check the rights of this folder."
    ),
    "store_in_use": lambda: _("The app is running already. Look for its window."),
    "disk_full": lambda: _(
        "The disk is full, so what you wrote is not saved yet. It stays open here. Free some space and try again."
    ),
    "no_window": lambda: _(
        "No display was found, so the app cannot open its window. Nothing was changed. Start it from your desktop."
    ),
    "no_display": lambda: _(
        "There is no screen that can be shown: no display was found. You can still write to support."
    ),
    "no_permission": lambda: _(
        "This system does not allow the app to take pictures of the screen. Nothing was shown. "
        "Allow screen recording for Deskside Companion in the system settings, then ask support to invite you again."
    ),
    "target_gone": lambda: _("The window you chose is closed. Nothing is shown. Choose another one."),
    "capture_failed": lambda: _("The picture of the screen could not be taken. Nothing was shown."),
    "child_failed": lambda: _("A part of the app stopped. Nothing is shared. You can ask support to invite you again."),
}


def end_reason(reason: str, by: str) -> str:
    """Return in one sentence why a session ended."""
    if reason == "stopped":
        return {"customer": _("You stopped it."), "agent": _("Support ended it.")}.get(by, _("It was stopped."))
    return {
        "refused": _("You did not allow it. Nothing was shown."),
        "forbidden": _("Policy on this computer allows no screen sharing. Nothing was shown."),
        "cancelled": _("Support withdrew the invitation. Nothing was shown."),
        "expired": _("The invitation was not opened in time. Nothing was shown."),
        "unreachable": _("The two computers could not be connected. Nothing was shown."),
        "no_relay": _("The relay, which is the only way allowed, could not be used. Nothing was shown."),
        "sas_mismatch": _(
            "The check numbers differ, so it was ended: somebody else may have stood between. "
            "Call support at the number you know."
        ),
        "unverified": _("The check number was not compared in time."),
        "idle": _("Nothing happened for a while, so it was ended."),
        "lost": _("The connection broke and did not come back within 30 seconds."),
        "not_confirmed": _("Nobody confirmed that it should go on."),
        "limit": _("The agreed time was over."),
        "revoked": _("The server ended it."),
        "ticket_closed": _("Your ticket is no longer open, so it was ended."),
        "ticket_moved": _("Your ticket went to another team, so it was ended."),
        "requester_changed": _("The ticket was given to somebody else, so it was ended."),
        "requester_blocked": _("Support turned off screen sharing with you, so it was ended."),
        "protocol": _("Something was asked that you had not allowed, so it was ended."),
        "child_failed": _("A part of the app stopped, so it was ended."),
        "capture_failed": _("The picture of the screen could not be taken, so it was ended."),
        "not_kept": _(
            "The record of what you allowed could not be kept on this computer, so it was ended. The disk may be full."
        ),
        "bad_invitation": trouble("bad_invitation"),
    }.get(reason, _("It was ended."))
