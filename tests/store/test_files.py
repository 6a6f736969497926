# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.domain.errors import StoreUnavailable
from app.domain.ids import TicketId
from app.domain.ports import Draft, DraftKind, ViewKey
from app.entry.sync_codec import open_profile
from app.store.cipher import file_uri, open_raw
from app.store.pending_file import add_missing, copy_path, pending_path
from app.store.replica import replica_path
from app.store.schema import pending_ddl
from tests.sync.desk import KEY, Client


def _spoil(path: Path, start: int, size: int = 8192) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(size))


def _files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_wrong_key_is_told_apart_from_damage_and_changes_nothing(tmp_path: Path) -> None:
    """The person learns that the key is wrong; no file is touched."""
    open_profile(tmp_path, KEY).close()
    before = _files(tmp_path)
    with pytest.raises(StoreUnavailable) as caught:
        open_profile(tmp_path, b"x" * 32)
    assert caught.value.code == "store_wrong_key"
    assert _files(tmp_path) == before


def test_a_file_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    """An older program does not break what a newer one wrote."""
    open_profile(tmp_path, KEY).close()
    raw = open_raw(file_uri(pending_path(tmp_path), "rw"), KEY)
    raw.execute("PRAGMA user_version=99")
    raw.close()
    before = pending_path(tmp_path).read_bytes()
    with pytest.raises(StoreUnavailable) as caught:
        open_profile(tmp_path, KEY)
    assert caught.value.code == "store_too_new"
    assert pending_path(tmp_path).read_bytes() == before


def test_a_second_window_does_not_open_the_files(tmp_path: Path) -> None:
    """One window per profile."""
    first = open_profile(tmp_path, KEY)
    with pytest.raises(StoreUnavailable) as caught:
        open_profile(tmp_path, KEY)
    assert caught.value.code == "store_in_use"
    first.close()
    open_profile(tmp_path, KEY).close()


def test_a_damaged_file_is_opened_from_its_copy_with_what_can_be_read(kim: Client) -> None:
    """What was saved before the last start is back from the copy; what was saved since is read row by row."""
    ticket = kim.new_ticket()
    kim.profile.commits.save_draft(Draft(TicketId(ticket), DraftKind.REPLY, "Entwurf"))
    kim.restart_window()
    for n in range(200):
        kim.note(ticket, f"seither {n} " + "x" * 300)
    kim.profile.close()
    path = pending_path(kim.folder)
    _spoil(path, path.stat().st_size // 2)
    kim.profile = open_profile(kim.folder, KEY)
    opened = kim.profile.opened
    assert opened.found == "restored"
    assert opened.kept_as is not None
    assert opened.kept_as.exists()
    mids = [item.mid for item in kim.profile.queries.outbox()]
    assert mids[0] == 1
    assert len(mids) > 100
    draft = kim.profile.commits.draft(TicketId(ticket), DraftKind.REPLY)
    assert draft is not None
    assert draft.body == "Entwurf"
    assert kim.note(ticket, "weiter")


def test_without_copy_a_damaged_file_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten when there is nothing to mend it from."""
    open_profile(tmp_path, KEY).close()
    _spoil(pending_path(tmp_path), 0)
    copy_path(tmp_path).unlink(missing_ok=True)
    before = pending_path(tmp_path).read_bytes()
    with pytest.raises(StoreUnavailable) as caught:
        open_profile(tmp_path, KEY)
    assert caught.value.code == "store_damaged_no_copy"
    assert pending_path(tmp_path).read_bytes() == before


@pytest.mark.parametrize("left", [b"", bytes(4096)])
def test_a_file_that_a_power_cut_emptied_does_not_replace_the_good_copy(tmp_path: Path, left: bytes) -> None:
    """An empty file opens as an empty database; it is damage all the same, already on the first day."""
    open_profile(tmp_path, KEY).close()
    for part in tmp_path.glob("pending.db-*"):
        part.unlink()
    pending_path(tmp_path).write_bytes(left)
    profile = open_profile(tmp_path, KEY)
    try:
        assert profile.opened.found == "restored"
        assert profile.socket_token()
    finally:
        profile.close()


@pytest.mark.parametrize("harm", ["deleted", "damaged"])
def test_a_lost_replica_costs_a_download_and_no_word(kim: Client, harm: str) -> None:
    """Everything the server has comes again; everything typed here was elsewhere."""
    ticket = kim.new_ticket()
    kim.sync()
    kim.note(ticket, "ungesendet")
    kim.replica.close()
    path = replica_path(kim.folder)
    if harm == "deleted":
        for part in kim.folder.glob("replica.db*"):
            part.unlink()
    else:
        _spoil(path, 4096, path.stat().st_size // 2)
    kim.open_worker()
    assert kim.aside is (harm == "damaged")
    assert "ungesendet" in kim.bodies(ticket)
    kim.sync()
    assert kim.profile.numbers().waiting == 0
    assert kim.bodies(ticket) == ["도와주세요", "ungesendet"]


def test_without_a_replica_the_window_opens_empty_but_works(tmp_path: Path) -> None:
    """Before the first load there are no tickets, but drafts and window state are kept."""
    profile = open_profile(tmp_path, KEY)
    assert list(profile.queries.ids(ViewKey.ALL)) == []
    assert profile.numbers().waiting == 0
    assert profile.queries.details(TicketId(bytes(16))) is None
    profile.commits.save_ui_state("a", "b")
    profile.close()


def test_a_replica_from_another_profile_is_not_believed(kim: Client, lee: Client) -> None:
    """A copied file belongs to another device: it is set aside."""
    kim.replica.close()
    lee.replica.close()
    for part in kim.folder.glob("replica.db*"):
        part.unlink()
    replica_path(lee.folder).rename(replica_path(kim.folder))
    kim.open_worker()
    assert kim.aside
    lee.open_worker()


def test_an_older_file_gets_the_columns_it_lacks(tmp_path: Path) -> None:
    """Tables and columns are only ever added, and rows stay."""
    raw = open_raw(file_uri(tmp_path / "old.db", "rwc"), KEY)
    raw.execute("CREATE TABLE draft(id BLOB PRIMARY KEY, body TEXT NOT NULL)")
    raw.execute("INSERT INTO draft VALUES(x'01', 'alt')")
    add_missing(raw, pending_ddl())
    columns = {row[1] for row in raw.execute("PRAGMA table_info(draft)").fetchall()}
    assert {"caret", "send_at", "discarded"} <= columns
    assert raw.execute("SELECT body FROM draft").fetchone() == ("alt",)
    raw.execute("SELECT count(*) FROM outbox")
    raw.close()
