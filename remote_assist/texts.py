# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for codes of a session, as an agent, a supervisor or a reader of a receipt sees them.

The companion has its own words, which speak to the customer. `customer` and `agent` are full names as people write
them; the Korean texts put 님 behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.config.i18n import _, ngettext
from app.domain.assist import EndReason, EntryType, Notice, Scope

__all__ = ["entry_text", "minutes_text", "notice_text", "prompt_text", "reason_text", "scope_text"]


def reason_text(reason: EndReason, by: str, customer: str) -> str:
    """Return in one or two sentences why a session with this customer ended. `by` is agent, customer or system."""
    text = {
        EndReason.CANCELLED: _("You took the invitation back. Nothing was shown."),
        EndReason.EXPIRED: _(
            "The invitation was not opened within 10 minutes. Nothing was shown. You can invite again."
        ),
        EndReason.NOT_REGISTERED: _(
            "The server did not take the invitation. Nothing was sent to {customer}. "
            "Check that you are online and that the ticket is open."
        ),
        EndReason.BAD_INVITATION: _("The invitation could not be used on {customer}'s computer. Nothing was shown."),
        EndReason.FORBIDDEN: _(
            "Policy on {customer}'s computer allows no screen sharing. Nobody was asked and nothing was shown."
        ),
        EndReason.REFUSED: _("{customer} did not allow it. Nothing was shown. You can write in the ticket instead."),
        EndReason.UNREACHABLE: _(
            "The two computers could not be connected within 30 seconds. Nothing was shown. You can invite again."
        ),
        EndReason.NO_RELAY: _(
            "Only connections through your organisation's relay are allowed, and the relay cannot be used now. Nothing "
            "was shown. Please tell whoever runs your server."
        ),
        EndReason.SAS_MISMATCH: _(
            "The check numbers differ: somebody may stand between the two computers. The session was ended and "
            "reported. Call {customer} at the number you know."
        ),
        EndReason.UNVERIFIED: _("The check number was not compared in time, so the session was ended."),
        EndReason.IDLE: _("Nothing happened for a while, so the session was ended. You can invite again."),
        EndReason.LOST: _("The connection to {customer}'s computer broke and did not come back within 30 seconds."),
        EndReason.NOT_CONFIRMED: _("{customer} did not confirm that it should go on, so the session was ended."),
        EndReason.LIMIT: _("The longest time for one session is over. You can invite again."),
        EndReason.REVOKED: _("The server ended the session: the ticket, the invitation or your access has changed."),
        EndReason.TICKET_CLOSED: _("The ticket is no longer open, so the session was ended."),
        EndReason.TICKET_MOVED: _("The ticket went to a team that you are not in, so the session was ended."),
        EndReason.REQUESTER_CHANGED: _("The ticket was given to another customer, so the session was ended."),
        EndReason.REQUESTER_BLOCKED: _("The customer was blocked, so the session was ended."),
        EndReason.PROTOCOL: _(
            "The session was ended because one of the two programs did not keep to the rules. It was reported."
        ),
        EndReason.CHILD_FAILED: _(
            "A part of the program stopped twice, so the session was ended. Your texts are safe."
        ),
        EndReason.CAPTURE_FAILED: _("{customer}'s computer could not go on showing the chosen picture."),
        EndReason.NOT_KEPT: _(
            "{customer}'s computer could not keep the record of what was allowed, so the session was ended. Its disk "
            "may be full."
        ),
    }
    if reason is EndReason.STOPPED:
        stopped = {"agent": _("You ended the session."), "customer": _("{customer} ended the session.")}
        return stopped.get(by, _("The session was ended.")).format(customer=customer)
    if reason is EndReason.REFUSED and by == "system":
        return _("{customer} did not answer within 2 minutes, which counts as no. Nothing was shown.").format(
            customer=customer
        )
    return text[reason].format(customer=customer)


def notice_text(notice: Notice, customer: str, detail: str = "") -> str:
    """Return what is told in mid-session; `detail` is a scope for a refusal."""
    return {
        Notice.IDLE_SOON: _(
            "Nothing has happened for a while. The session ends in 1 minute; any key or move keeps it."
        ),
        Notice.PAUSE_SOON: _("The session has been paused for a while. It ends in 1 minute unless {customer} goes on."),
        Notice.LOST: _(
            "The connection to {customer}'s computer broke. Nothing is shared now. "
            "We try again for 30 seconds; consent stays as given."
        ),
        Notice.RETRYING: _("The connection did not come up. Trying again; consent is as before."),
        Notice.BACK: _("The connection is back. Consent is as before."),
        Notice.VIOLATION: _("Something was asked for that is not allowed. It was not done, and it is on the record."),
        Notice.REFUSED: _("{customer} did not allow it: {scope}."),
        Notice.FORBIDDEN: _("Policy of {customer}'s organisation does not allow it: {scope}."),
        Notice.SHORTER: _("Policy on {customer}'s computer ends this session sooner: {scope} min after the yes."),
        Notice.CHILD_RESTARTED: _("A part of the program stopped and was started again. The session goes on."),
        Notice.CAPTURE: _("The chosen window or screen cannot be shown at the moment."),
        Notice.TARGET: _("{customer} shares something else now."),
    }[notice].format(customer=customer, scope=_scope_or_word(detail))


def scope_text(scope: Scope) -> str:
    """Return the name of a grant."""
    return {
        Scope.VIEW: _("Looking"),
        Scope.POINTER: _("Pointer and drawing"),
        Scope.CONTROL: _("Mouse and keyboard"),
        Scope.CLIPBOARD_TO_CUSTOMER: _("Clipboard to the customer"),
        Scope.CLIPBOARD_TO_AGENT: _("Clipboard to the agent"),
        Scope.FILES_TO_CUSTOMER: _("Files to the customer"),
        Scope.FILES_TO_AGENT: _("Files to the agent"),
        Scope.DIAGNOSTICS: _("Diagnostics"),
        Scope.RECORDING: _("Recording"),
    }[scope]


def prompt_text(agent: str, organisation: str, ticket_no: str) -> str:
    """Return the request in one sentence, as a screen reader or a notice says it first."""
    return _("{agent} from {organisation} would like to look at your screen, for your ticket #{number}.").format(
        agent=agent, organisation=organisation, number=ticket_no
    )


def entry_text(type_: EntryType, by: str, data: Mapping[str, Any]) -> str:
    """Return one line for an entry of the record. Values from outside appear only as numbers or known words."""
    kind = {
        "screen": _("a whole screen"),
        "window": _("one window"),
        "region": _("a region"),
        "tab": _("a browser tab"),
        "drawn": _("a test picture"),
    }.get(str(data.get("target_kind", data.get("kind", ""))), _("a picture"))
    further = _scope_or_word(data.get("scope")) and data.get("scope") != Scope.VIEW.value
    back = data.get("scopes")
    taken = ", ".join(filter(None, map(_scope_or_word, back))) if isinstance(back, list) else ""
    who = {"agent": _("the agent"), "customer": _("the customer")}.get(by, _("the system"))
    text = {
        EntryType.JOINED: _("The customer opened the invitation"),
        EntryType.PROMPTED: _("The customer was asked"),
        EntryType.CONSENT: _("The customer allowed looking at {kind}"),
        EntryType.REFUSAL: _("Forbidden by policy of the customer's organisation: {scope}")
        if data.get("policy") is True
        else _("Not allowed: {scope}"),
        EntryType.SAS: _("The check number was compared and agreed")
        if data.get("ok")
        else _("The check number differed"),
        EntryType.GRANT: _("Allowed too: {scope}") if further else _("Sharing began: {kind}"),
        EntryType.REVOKE: _("Taken back: {scopes}") if taken else _("A grant was taken back"),
        EntryType.PAUSE: _("Paused by {who}"),
        EntryType.RESUME: _("Resumed by {who}"),
        EntryType.CONTROL: _control_text(data),
        EntryType.FILE: _file_text(data.get("result")),
        EntryType.CLIPBOARD: _clipboard_text(data),
        EntryType.DIAGNOSTICS: _diagnostics_text(data.get("arrived")),
        EntryType.RECORDING: _recording_text(data),
        EntryType.MASKS: _("Masks: {count}"),
        EntryType.VIOLATION: _("Something not allowed was asked for and not done"),
        EntryType.RECONNECT: _("The connection broke and came back"),
        EntryType.TARGET: _("The customer chose another picture: {kind}"),
        EntryType.CONFIRM: _("The customer confirmed that it should go on"),
        EntryType.END: _("Ended by {who} after {minutes}"),
    }[type_]
    count, scope = _number(data.get("count")), _scope_or_word(data.get("scope"))
    return text.format(
        kind=kind,
        who=who,
        count=count,
        scope=scope,
        scopes=taken,
        minutes=minutes_text(_number(data.get("duration_ms"))),
    )


def _control_text(data: Mapping[str, Any]) -> str:
    if data.get("on") is True:
        return _("The agent may use mouse and keyboard from here on")
    counts = {name: value for name in ("presses", "turns", "keys") if isinstance(value := data.get(name), int)}
    if len(counts) < 3:
        return _("Mouse and keyboard were used")
    return _("Mouse and keyboard were used: clicks {presses}, turns of the wheel {turns}, keys {keys}").format(**counts)


def _recording_text(data: Mapping[str, Any]) -> str:
    if "still" in data:
        return _("A picture was kept")
    if data.get("on") is True:
        return _("A recording began")
    if "seconds" not in data:
        return _("A recording ended with the session")
    return _("A recording ended, {length} long").format(length=minutes_text(_number(data.get("seconds")) * 1000))


def _clipboard_text(data: Mapping[str, Any]) -> str:
    """Which way, and how long; the record has nothing else of it."""
    to_agent = data.get("dir") == "to_agent"
    count = _number(data.get("length"))
    if to_agent:
        said = ngettext(
            "A text of {n} character from the customer's clipboard was given to the agent",
            "A text of {n} characters from the customer's clipboard was given to the agent",
            count,
        )
    else:
        said = ngettext(
            "A text of {n} character was put on the customer's clipboard",
            "A text of {n} characters was put on the customer's clipboard",
            count,
        )
    return said.format(n=count)


def _file_text(result: object) -> str:
    if result == "allowed":
        return _("One file was allowed")
    return _("A file was sent") if result in ("whole", None) else _("A file was not sent")


def _diagnostics_text(arrived: object) -> str:
    if arrived is None:
        return _("Diagnostics were sent")
    return _("The diagnostics arrived") if arrived is True else _("The diagnostics did not arrive")


def minutes_text(duration_ms: int) -> str:
    """Return a length of time as minutes and seconds."""
    minutes, seconds = divmod(max(duration_ms, 0) // 1000, 60)
    return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=seconds)


def _scope_or_word(value: object) -> str:
    try:
        return scope_text(Scope(str(value)))
    except ValueError:
        return ""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
