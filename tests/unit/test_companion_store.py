# SPDX-License-Identifier: GPL-3.0-or-later
"""What a customer writes offline survives, is encrypted, and a damaged file costs no more than itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.desktop.companion_store import CompanionStore, SessionEntryRow, WrittenItem, open_companion_store
from app.domain.errors import StoreUnavailable

_KEY = bytes(range(32))
_ITEM = WrittenItem("01", "request", "01", "Printer stops", b'{"body":"after page 2"}', 1000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompanionStore]:
    opened, kept = open_companion_store(tmp_path / "companion.db", _KEY)
    assert kept is None
    yield opened
    opened.close()


def test_a_request_written_offline_is_there_after_a_restart_and_settled_once(store: CompanionStore) -> None:
    """It waits until the server has it, whatever happens between; a repeat makes no second one."""
    store.add_written(_ITEM)
    store.add_written(_ITEM)
    store.close()
    again, _kept = open_companion_store(store._path, _KEY)
    assert again.written() == [_ITEM]
    again.settle("01", "sent", 4182)
    assert (again.written()[0].state, again.written()[0].number) == ("sent", 4182)
    again.forget_written(["01"])
    assert again.written() == []
    again.close()


def test_nothing_in_the_file_can_be_read_without_the_key(store: CompanionStore) -> None:
    """Neither subject nor table names stand in the file."""
    store.add_written(_ITEM)
    store.close()
    raw = store._path.read_bytes()
    assert b"Printer" not in raw
    assert b"SQLite format" not in raw


def test_a_damaged_file_is_set_aside_and_a_new_one_begins(store: CompanionStore) -> None:
    """The old file is kept under another name, so that it may be rescued."""
    store.put("a", "b")
    store.close()
    raw = bytearray(store._path.read_bytes())
    raw[100:200] = bytes(100)
    store._path.write_bytes(raw)
    again, kept = open_companion_store(store._path, _KEY)
    assert kept is not None
    assert kept.read_bytes() == bytes(raw)
    assert again.get("a") is None
    again.close()


def test_a_file_with_another_key_is_left_alone(store: CompanionStore) -> None:
    """A wrong key is not mistaken for damage."""
    store.put("a", "b")
    store.close()
    with pytest.raises(StoreUnavailable) as refused:
        open_companion_store(store._path, bytes(32))
    assert refused.value.code == "store_wrong_key"
    again, kept = open_companion_store(store._path, _KEY)
    assert (again.get("a"), kept) == ("b", None)
    again.close()


def test_a_file_of_a_newer_program_is_left_alone(store: CompanionStore) -> None:
    """An older program does not touch what it does not understand."""
    store._db.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreUnavailable) as refused:
        open_companion_store(store._path, _KEY)
    assert refused.value.code == "store_too_new"


def test_a_second_program_on_the_same_file_is_told(store: CompanionStore) -> None:
    """Two windows never write the same file."""
    store.put("a", "b")
    with pytest.raises(StoreUnavailable) as refused:
        open_companion_store(store._path, _KEY)
    assert refused.value.code == "store_in_use"


def test_entries_of_a_session_wait_until_the_server_has_them(store: CompanionStore) -> None:
    """Each is handed in once, in order; receipts and used invitations are kept."""
    for n, digest in ((1, "bb"), (0, "aa"), (0, "aa")):
        store.add_entry(SessionEntryRow("s", "t", n, digest, b"{}"))
    assert [row.hash for row in store.unsent_entries()] == ["aa", "bb"]
    store.entries_sent("s", ["aa"])
    assert [row.hash for row in store.unsent_entries()] == ["bb"]
    store.save_receipt("s", "t", b"first", 1)
    store.save_receipt("s", "t", b"second", 2)
    assert store.receipt("s") == b"second"
    store.save_invitations({"ab": 5})
    store.save_invitations({"cd": 6})
    assert store.invitations() == {"cd": 6}


def test_a_full_disk_is_told_and_what_was_kept_before_stays(store: CompanionStore) -> None:
    """The request is not half saved, and the file works again once there is room."""
    store.add_written(_ITEM)
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    big = WrittenItem("02", "request", "02", "Screen stays black", b"x" * 500_000, 2000)
    with pytest.raises(StoreUnavailable) as caught:
        store.add_written(big)
    assert caught.value.code == "disk_full"
    assert store.written() == [_ITEM]
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.add_written(big)
    assert [item.id for item in store.written()] == ["01", "02"]
