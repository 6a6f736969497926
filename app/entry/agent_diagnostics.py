# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer sent about the computer: kept with the ticket, also offline, and compared with the time before.

The bytes hang as a file on a note. Their hash is the one in the record of the session: anybody can see later that the
file is what the customer saw and let go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.config.i18n import _, ngettext
from app.config.logs import get_logger
from app.desktop.jobs import QtJobs
from app.domain.attachments import Attachment, BlobState
from app.domain.changes import AnyChange, NoteAdd
from app.domain.entities import NOTE
from app.domain.errors import Refused, StoreUnavailable
from app.domain.facts import FactsReport
from app.domain.ids import CustomerId, TicketId, new_id
from app.domain.ports import SyncLink
from app.services.messages import error_text
from app.store.blob_desk import BlobStore
from app.store.named_files import NamedFile
from app.store.queries import StoreQueries
from remote_assist.actions import DiagnosticsArrived
from remote_assist.diagnostics import MAX_BUNDLE_BYTES, Bundle, read_bundle
from remote_assist.diagnostics_diff import differences
from remote_assist.diagnostics_texts import change_text
from remote_assist.diagnostics_views import facts_of, made_text
from remote_assist.messages import Malformed

__all__ = ["MEDIA_TYPE", "DiagnosticsKeeper", "note_text"]

_log: Final = get_logger(__name__)
MEDIA_TYPE: Final = "application/vnd.deskside.diagnostics+json"
_CHANGES_IN_NOTE: Final = 20
Show = Callable[[FactsReport], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of it in the background; `attachment` None: it could not be stored."""

    report: FactsReport
    attachment: Attachment | None


class DiagnosticsKeeper:
    """Of the whole program. GUI thread; disk and comparing happen elsewhere."""

    def __init__(
        self, queries: StoreQueries, blobs: BlobStore, link: SyncLink, jobs: QtJobs, record: Callable[[AnyChange], None]
    ) -> None:
        self._queries, self._blobs, self._link = queries, blobs, link
        self._jobs, self._record = jobs, record

    def prefetch(self, customer: CustomerId) -> None:
        """The last bundle may lie on the server only: have it here when the new one comes."""
        self._jobs.query(lambda: self._absent(customer), self._fetch, _ignored, key="diagnostics")

    def arrived(self, ticket: TicketId, customer: CustomerId, came: DiagnosticsArrived, show: Show) -> None:
        """Store it, compare it, put it on the ticket and show it."""
        self._jobs.change(
            lambda: self._keep(customer, came),
            lambda kept: self._kept(ticket, kept, show),
            lambda why: show(_report(came.bundle, problem=error_text(why))),
        )

    # --- in the background ----------------------------------------------------------------------------------------

    def _keep(self, customer: CustomerId, came: DiagnosticsArrived) -> _Kept:
        report = self._compared(customer, came)
        try:
            attachment = self._blobs.add_content(came.payload, _filename(came), MEDIA_TYPE)
        except (Refused, StoreUnavailable) as why:
            problem = _("It could not be kept with the ticket: {why}").format(why=error_text(why))
            return _Kept(_report(came.bundle, report.changes, report.since, problem), None)
        return _Kept(report, attachment)

    def _compared(self, customer: CustomerId, came: DiagnosticsArrived) -> FactsReport:
        last = next((each for each in self._last(customer, came.device) if each.attachment.sha256 != came.sha256), None)
        if last is None:
            return _report(came.bundle)
        try:
            old = read_bundle(self._blobs.content(last.attachment, MAX_BUNDLE_BYTES))
        except (Refused, StoreUnavailable, Malformed):
            return _report(came.bundle, problem=_("The last bundle is not on this computer, so nothing is compared."))
        return _report(came.bundle, tuple(map(change_text, differences(old, came.bundle))), made_text(old))

    def _last(self, customer: CustomerId, device: str) -> list[NamedFile]:
        """Return the bundles of the same computer, as far as that is known, the newest first."""
        found = self._queries.files_of(customer, MEDIA_TYPE)
        return [each for each in found if _device_of(each.attachment) == device or not device]

    def _absent(self, customer: CustomerId) -> list[NamedFile]:
        newest = list(self._queries.files_of(customer, MEDIA_TYPE))[:2]  # a customer may have two computers
        states = self._blobs.statuses([each.attachment for each in newest])
        return [each for each in newest if states[each.attachment.sha256].state is BlobState.ABSENT]

    # --- afterwards ------------------------------------------------------------------------------------------------

    def _fetch(self, absent: list[NamedFile]) -> None:
        for each in absent:
            self._link.fetch_blob(each.attachment, NOTE.number, each.note)

    def _kept(self, ticket: TicketId, kept: _Kept, show: Show) -> None:
        if kept.attachment is not None:
            body = note_text(kept.report)
            self._record(NoteAdd(new_id(), new_id(), ticket, body, attachments=(kept.attachment,)))
            self._link.blobs_added()
        show(kept.report)


def _ignored(why: Exception) -> None:
    _log.info("last diagnostics not looked up", error=type(why).__name__)


def _report(bundle: Bundle, changes: tuple[str, ...] = (), since: str | None = None, problem: str = "") -> FactsReport:
    return FactsReport(facts_of(bundle), made_text(bundle), changes, since, problem)


def _filename(came: DiagnosticsArrived) -> str:
    made = came.bundle.made.translate({ord("-"): None, ord(":"): None})
    return f"diagnostics-{made}{'-' if came.device else ''}{came.device}.json"


def _device_of(attachment: Attachment) -> str:
    """Return the mark of the computer that the name ends with, or nothing."""
    parts = attachment.filename.removesuffix(".json").split("-")
    return parts[2] if len(parts) > 2 else ""


def note_text(report: FactsReport) -> str:
    """Return the words of the note: what it is, how much is kept back, and what changed."""
    lines = [_("Diagnostics of the customer's computer, from the screen sharing session.")]
    kept = report.facts.kept_back
    if kept:
        lines.append(ngettext("{n} line was kept back.", "{n} lines were kept back.", kept).format(n=kept))
    if report.problem:
        lines.append(report.problem)
    elif report.since is None:
        lines.append(_("There is no earlier bundle of this computer to compare with."))
    elif not report.changes:
        lines.append(_("Nothing changed since {time}.").format(time=report.since))
    else:
        lines.append(_("Changed since {time}:").format(time=report.since))
        lines += [f"- {change}" for change in report.changes[:_CHANGES_IN_NOTE]]
        more = len(report.changes) - _CHANGES_IN_NOTE
        if more > 0:
            lines.append(ngettext("and {n} more change", "and {n} more changes", more).format(n=more))
    return "\n".join(lines)
