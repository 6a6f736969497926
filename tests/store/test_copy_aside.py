# SPDX-License-Identifier: GPL-3.0-or-later
"""pending.db is copied aside while the window runs: damage costs minutes of typing, not the days since its start."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.entry.sync_codec import open_profile
from app.store.cipher import file_uri, open_raw
from app.store.pending_file import copy_path, pending_path
from tests.sync.desk import KEY, Client


def spoil_first_pages(path: Path) -> None:
    """The list of tables cannot be read any more, so nothing can be read row by row."""
    with path.open("r+b") as file:
        file.write(os.urandom(16_384))


def waiting(client: Client) -> int:
    """How many changes wait to be sent."""
    return client.profile.numbers().waiting


def test_damage_of_the_first_page_costs_only_what_was_typed_since_the_last_copy(kim: Client) -> None:
    """The window was open the whole time."""
    ticket = kim.new_ticket()
    for n in range(40):
        kim.note(ticket, f"seither {n}")
    assert kim.profile.copy_aside()
    kim.note(ticket, "nach der Kopie")
    kim.profile.close()
    spoil_first_pages(pending_path(kim.folder))
    kim.profile = open_profile(kim.folder, KEY)
    assert kim.profile.opened.found == "restored"
    assert waiting(kim) >= 41
    assert "seither 39" in kim.bodies(ticket)


def test_it_is_copied_only_when_something_changed_and_the_copy_is_sealed(kim: Client) -> None:
    """A quiet window writes nothing; without the key the copy says nothing."""
    assert kim.profile.copy_aside(), "who signed in was not in the copy of the start"
    ticket = kim.new_ticket()
    kim.note(ticket, "streng geheim")
    assert kim.profile.copy_aside()
    assert not kim.profile.copy_aside()
    kim.note(ticket, "mehr")
    assert kim.profile.copy_aside()
    raw = copy_path(kim.folder).read_bytes()
    assert b"streng geheim" not in raw
    assert not raw.startswith(b"SQLite format")
    copy = open_raw(file_uri(copy_path(kim.folder), "rw"), KEY)
    assert copy.execute("SELECT count(*) FROM outbox").fetchone() == (3,)
    copy.close()
    left = {p.name for p in kim.folder.iterdir() if p.name.startswith("pending")}
    assert left <= {"pending.db", "pending.db-wal", "pending.db-shm", "pending.copy.db"}


def test_a_damaged_file_never_takes_the_place_of_the_good_copy(kim: Client) -> None:
    """What was copied last stays, and saving goes on."""
    ticket = kim.new_ticket()
    assert kim.profile.copy_aside()
    good = copy_path(kim.folder).read_bytes()
    kim.note(ticket, "mehr")
    path = pending_path(kim.folder)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(8192))
    assert not kim.profile.copy_aside()
    assert copy_path(kim.folder).read_bytes() == good


def test_a_full_disk_keeps_the_last_copy(kim: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again the next time."""
    ticket = kim.new_ticket()
    good = copy_path(kim.folder).read_bytes()

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("app.store.pending_copy.shutil.copyfile", full)
        assert not kim.profile.copy_aside()
    assert copy_path(kim.folder).read_bytes() == good
    assert not (kim.folder / "pending.aside.new").exists()
    assert kim.profile.copy_aside()
    assert kim.note(ticket, "weiter")


def test_notes_are_saved_while_it_is_copied_and_none_is_torn(kim: Client) -> None:
    """Each copy is a state that was there; saving and copying wait for each other, not for long."""
    ticket = kim.new_ticket()
    done = threading.Event()

    def copy() -> None:
        while not done.is_set():
            kim.profile.copy_aside()

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        for n in range(60):
            kim.note(ticket, f"{n} " + "x" * 500)
    finally:
        done.set()
        thread.join()
    kim.profile.copy_aside()
    kim.profile.close()
    spoil_first_pages(pending_path(kim.folder))
    kim.profile = open_profile(kim.folder, KEY)
    assert waiting(kim) == 61


def test_while_somebody_reads_for_long_the_copy_waits_for_the_next_time(kim: Client) -> None:
    """It does not stop anybody from saving meanwhile."""
    ticket = kim.new_ticket()
    with kim.profile.readers().read() as tx:
        assert tx.value("SELECT count(*) FROM pending.outbox") == 1
        kim.note(ticket, "meanwhile")
        assert not kim.profile.copy_aside()
        assert kim.note(ticket, "and on")
    assert kim.profile.copy_aside()


def test_after_the_window_closed_nothing_is_copied(kim: Client) -> None:
    """The next window may be at work on the same files."""
    kim.new_ticket()
    kim.profile.close()
    before = copy_path(kim.folder).read_bytes()
    assert not kim.profile.copy_aside()
    assert copy_path(kim.folder).read_bytes() == before
    kim.profile = open_profile(kim.folder, KEY)
