# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of one kind that notes of a customer's tickets name, for instance bundles of diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.attachments import Attachment, load_attachments
from app.domain.entities import NOTE, TICKET
from app.domain.ids import CustomerId
from app.store.shown import Shown

__all__ = ["NamedFile", "named_files"]


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file, the note that names it, and when that was written."""

    note: bytes
    at: int
    attachment: Attachment


def named_files(shown: Shown, customer: CustomerId, media_type: str) -> Sequence[NamedFile]:
    """Return them, the newest first; also those of notes that wait for the server."""
    tickets = [row[0] for row in shown.select(TICKET.number, "id", "customer = ? AND deleted = 0", (customer,))]
    notes = shown.by_values(
        NOTE.number, "id, created_at, attachments", "ticket", tickets, " AND deleted = 0 AND attachments IS NOT NULL"
    )
    found = [
        NamedFile(id_, at or 0, attachment)
        for id_, at, files in notes
        for attachment in load_attachments(files)
        if attachment.media_type == media_type
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)
