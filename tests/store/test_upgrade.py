# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a window of before saved views, clocks, templates and waiting replies open with all that was typed."""

from __future__ import annotations

import os

import pytest

from app.domain.ids import TicketId
from app.domain.ports import Draft, DraftKind
from app.entry.sync_codec import open_profile
from app.store.cipher import file_uri, open_raw
from app.store.pending_file import copy_path, pending_path
from app.store.replica import replica_path
from app.store.schema import PENDING_VERSION
from tests.sync.desk import KEY, Client

_VERSION_OF_BEFORE = 4
_NEW_TABLES = ("notice", "over_saved_view", "over_sla_policy", "over_template", "over_fact_card")
_NEW_INDEXES = (
    "over_ticket_next_due", "over_ticket_next_warn", "over_ticket_organisation", "over_ticket_asset",
    "over_message_files", "over_note_files",
)  # fmt: skip
_NEW_COLUMNS = {
    "draft": ("send",),
    "over_ticket": ("sla_policy", "sla_calendar", "next_due", "next_warn", "due_target"),
    "over_calendar": ("supersedes",),
    "over_customer": ("call_times",),
    "over_asset": ("order_ref", "health"),
}
_LIST_OF_BEFORE = "last_at, state, owner, team, customer, snooze_until, priority, created_at, number, id, deleted"


def make_old(client: Client) -> None:
    """Close a client and take away what later versions added to pending.db; its replica is of other tables too."""
    client.close()
    raw = open_raw(file_uri(pending_path(client.folder), "rw"), KEY)
    for name in _NEW_TABLES:
        raw.execute(f"DROP TABLE {name}")
    for name in (*_NEW_INDEXES, "over_ticket_list"):
        raw.execute(f"DROP INDEX {name}")
    raw.execute(f"CREATE INDEX over_ticket_list ON over_ticket({_LIST_OF_BEFORE})")
    for table, columns in _NEW_COLUMNS.items():
        for column in columns:
            raw.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    raw.execute(f"PRAGMA user_version={_VERSION_OF_BEFORE}")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    copy_path(client.folder).write_bytes(pending_path(client.folder).read_bytes())
    raw = open_raw(file_uri(replica_path(client.folder), "rw"), KEY)
    raw.execute("DROP TABLE saved_view")
    raw.execute("UPDATE meta SET v = '73b85eb8225f6f4d' WHERE k = 'schema'")
    raw.close()


@pytest.mark.parametrize("harm", ["none", "damaged before the first start"])
def test_what_was_typed_before_an_update_is_there_after_it_and_is_sent(kim: Client, harm: str) -> None:
    """Unsent work and drafts stay, also when the file is mended from its copy; the replica is loaded again."""
    ticket = kim.new_ticket()
    kim.sync()
    kim.note(ticket, "vor dem Update")
    kim.profile.commits.save_draft(Draft(TicketId(ticket), DraftKind.REPLY, "Entwurf"))
    make_old(kim)
    if harm != "none":
        with pending_path(kim.folder).open("r+b") as file:
            file.write(os.urandom(16_384))
    kim.profile = open_profile(kim.folder, KEY)
    assert kim.profile.opened.found == ("ok" if harm == "none" else "restored")
    kim.open_worker()
    draft = kim.profile.commits.draft(TicketId(ticket), DraftKind.REPLY)
    assert draft is not None
    assert draft.body == "Entwurf"
    assert kim.aside
    kim.sync()
    kim.note(ticket, "danach")
    kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert kim.bodies(ticket) == ["도와주세요", "vor dem Update", "danach"]
    raw = open_raw(file_uri(pending_path(kim.folder), "rw"), KEY)
    assert raw.execute("PRAGMA user_version").fetchone() == (PENDING_VERSION,)
    raw.close()
