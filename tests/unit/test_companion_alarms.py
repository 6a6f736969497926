# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Companion says of an invitation that it refused, and that a flood of them stays small on its disk."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.desktop.companion_store import open_companion_store
from app.domain.invitation import claims
from app.entry.companion_alarms import ALARMS_MAX, bad_invitation, keep_alarm
from sync.session_protocol import BadInvitationReport


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (b"", ("", "")),
        (b"\xff[[[", ("", "")),
        (b"[1]", ("", "")),
        (b'{"iid": 7, "ticket_id": {"a": 1}}', ("", "")),
        (b'{"iid": "AAAAAAAAAAAAAAAAAAAAAA"}', ("00" * 16, "")),
        (b'{"ticket_id": "' + b"ab" * 16 + b'"}', ("", "ab" * 16)),
        (b'{"ticket_id": "' + b"ab" * 4000 + b'"}', ("", "")),
    ],
)
def test_a_report_names_what_can_be_read_and_nothing_else(document: bytes, named: tuple[str, str]) -> None:
    """Whatever a stranger sent, the report is short and well formed."""
    assert claims(document) == named
    item = bad_invitation(document, "document: a long reason", 5)
    told = msgspec.json.decode(item.body, type=BadInvitationReport)
    assert (told.iid, told.ticket, told.why, told.at) == (*named, "document", 5)


def test_a_flood_of_bad_invitations_keeps_a_few_reports_and_what_a_person_wrote_is_apart(tmp_path: Path) -> None:
    """The list of what the customer wrote knows none of them; a report that the server took or refused is gone."""
    store, _ = open_companion_store(tmp_path / "companion.db", b"k" * 32)
    for _ in range(ALARMS_MAX + 30):
        keep_alarm(store, bad_invitation(b"", "document", 5))
    waiting = store.waiting()
    assert len(waiting) == ALARMS_MAX
    assert not store.written()
    store.settle(waiting[0].id, "sent")
    store.settle(waiting[1].id, "refused", None, "not_found")
    assert len(store.waiting()) == ALARMS_MAX - 2
    store.close()
