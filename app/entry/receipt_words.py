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
    """Return the lines for one receipt."""
    if not report.ok:
        return [_("The receipt is not genuine: {problems}").format(problems=", ".join(report.problems))]
    lines = [_("The receipt is genuine if this is your organisation's key: {mark}").format(mark=report.key_mark)]
    if report.browser:
        lines.append(
            _("The customer joined with a browser: it proves nothing against the server that delivered the page.")
        )
    return lines + (_complete(report) if report.complete else _open(report))


def _complete(report: ReceiptReport) -> list[str]:
    lines = [
        _("Proved: the customer's program signed all {n} entries up to its end at {at}.").format(
            n=len(report.entries), at=_moment(report.ended_at)
        )
    ]
    if not report.countersigned:
        lines.append(_("Not proved: that the agent's program has seen this record; it did not sign it."))
    return lines


def _open(report: ReceiptReport) -> list[str]:
    last = report.entries[-1]
    ended = _("The agent's program says: it ended at {at}, by {by}. {why}").format(
        at=_moment(report.ended_at), by=_(_BY.get(report.ended_by, _BY["system"])),
        why=session_end_words(report.reason, report.ended_by),
    )  # fmt: skip
    goodbye = (
        _("Proved: the customer's program signed that it ended; not when, and not why.")
        if report.goodbye
        else _("Not proved: that the customer's program ended then, or for this reason.")
    )
    gap = (
        []
        if report.whole
        else [_("Entries were lost on the way to the agent; those that follow may be on the ticket.")]
    )
    return [
        _("The customer's end is missing from this record."),
        _("Proved: the customer's program signed the first {n} entries, the last of them at {at}.").format(
            n=len(report.entries), at=_moment(last.at)
        ),
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
