# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deskside admin verify-receipt` says: what a receipt proves, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime

from app.config.i18n import N_, _
from app.services.texts import session_end_words
from remote_assist.chain import ReceiptReport

__all__ = ["receipt_lines"]

_BY = {"agent": N_("the agent"), "customer": N_("the customer"), "system": N_("a timer or the program")}


def receipt_lines(report: ReceiptReport) -> list[str]:
    """Return the lines for one receipt: whose it is, what is proved and by whom, and what is not."""
    if not report.ok:
        return [_("The receipt is not genuine: {problems}").format(problems=", ".join(report.problems))]
    lines = [
        _("The invitation is genuine if this is your organisation's key: {mark}").format(mark=report.key_mark),
        *_about(report),
        *_whose(report),
        *(_complete(report) if report.complete else _open(report)),
    ]
    if not report.clock_steady:
        lines.append(_("Not proved: the times. The customer's clock was set in the middle of the session."))
    return lines


def _about(report: ReceiptReport) -> list[str]:
    """Which session this is: a receipt of another one must not pass for it."""
    lines = [
        _("Organisation: {id}").format(id=_one_line(report.organisation_id)),
        _("Ticket: #{no} {subject}").format(no=_one_line(report.ticket_no), subject=_one_line(report.subject)),
        _("Agent: {name}, {team}").format(name=_one_line(report.agent_name), team=_one_line(report.agent_team)),
        _("Invited customer: {mail}").format(mail=_one_line(report.requester) or "-"),
    ]
    lines += [
        _("Granted: {scope}, from {since} to {until}").format(
            scope=_one_line(span.scope), since=_moment(span.since),
            until=_moment(span.until) if span.until is not None else "?",
        )
        for span in report.grants
    ]  # fmt: skip
    return lines if report.grants else [*lines, _("Granted: nothing")]


def _whose(report: ReceiptReport) -> list[str]:
    """Who stands for the customer's end, and who for the agent's."""
    mark = report.customer_device
    if report.device_known:
        who = _("Proved: the record comes from a computer that the organisation enrolled for this customer: {mark}")
    elif report.device_other:
        who = _("Not proved: that it was this customer. The computer is enrolled for another one: {mark}")
    elif mark:
        who = _("Not proved: that it was this customer. A key is named, and nothing says whose it is: {mark}")
    elif report.browser:
        who = _("Not proved: that it was this customer. They joined with a browser, which has no key of its own.")
    else:
        who = _("Not proved: that it was this customer. The program that joined was not enrolled.")
    lines = [who.format(mark=mark)]
    if report.browser:
        lines.append(
            _("The customer joined with a browser: it proves nothing against the server that delivered the page.")
        )
    if report.countersigned:
        lines.append(_("Proved: the agent's program saw this whole record and signed it."))
    elif report.complete:
        lines.append(_("Not proved: that the agent's program has seen this record; it did not sign it."))
    if report.countersigned and not report.device_known:
        lines.append(_("The agent alone stands for it: compare it with what the ticket says of this session."))
    if not report.tied:
        lines.append(_("Nobody stands for this record: whoever had the invitation could have written it."))
    return lines


def _complete(report: ReceiptReport) -> list[str]:
    text = (
        _("Proved: the customer's program signed all {n} entries up to its end at {at}.")
        if report.device_known
        else _("All {n} entries up to the end at {at} hang together and carry one and the same signature.")
    )
    return [text.format(n=len(report.entries), at=_moment(report.ended_at))]


def _open(report: ReceiptReport) -> list[str]:
    last = report.entries[-1]
    ended = _("The agent's program says: it ended at {at}, by {by}. {why}").format(
        at=_moment(report.ended_at), by=_(_BY.get(report.ended_by, _BY["system"])),
        why=session_end_words(report.reason, report.ended_by),
    )  # fmt: skip
    goodbye = (
        (
            _("Proved: the customer's program signed that it ended; not when, and not why.")
            if report.device_known
            else _("The customer's end signed that it ended; not when, and not why.")
        )
        if report.goodbye
        else _("Not proved: that the customer's program ended then, or for this reason.")
    )
    signed = (
        _("Proved: the customer's program signed the first {n} entries, the last of them at {at}.")
        if report.device_known
        else _("The first {n} entries hang together and carry one and the same signature, the last of them at {at}.")
    )
    gap = (
        []
        if report.whole
        else [_("Entries were lost on the way to the agent; those that follow may be on the ticket.")]
    )
    return [
        _("The customer's end is missing from this record."),
        signed.format(n=len(report.entries), at=_moment(last.at)),
        ended.strip(),
        goodbye,
        _("Not proved: what happened after that entry, and that there was no further one."),
        *gap,
    ]


def _moment(at_ms: int | None) -> str:
    """Return a moment as the record has it, in UTC: the file may be read anywhere."""
    try:
        return f"{datetime.fromtimestamp((at_ms or 0) / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "?"


def _one_line(text: str) -> str:
    """Texts from outside: none may look like a line of this report."""
    return "".join(c if c.isprintable() else " " for c in text)
