# SPDX-License-Identifier: GPL-3.0-or-later
"""Server and computer were both put back from copies: stories that the simulator found to end badly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.domain.changes import CustomerSet
from app.domain.entities import NOTE
from app.domain.ids import new_id
from sync.server.devices import Devices
from tests.sync.desk import Client, Desk
from tests.sync.looks import keep_above
from tests.sync.restoring import back_up, copy_files, put_files_back, restore


def tray(client: Client) -> list[tuple[str, str]]:
    """What stands in Needs you: kind and words."""
    return [(item.kind.value, item.body) for item in client.profile.needs_you.entries()]


@pytest.fixture
def refused(desk: Desk, kim: Client, lee: Client, tmp_path: Path) -> Path:
    """A copy of kim's files in which a note is confirmed that the restored server then refused; returns its folder."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    back_up(tmp_path / "server", tmp_path / "backup.db")
    kim.note(ticket, "bestätigt und verloren")
    kim.sync()
    copy_files(kim, tmp_path / "kim of before")
    restore(desk, tmp_path / "backup.db")
    Devices(desk.store, random.randbytes).set_team(desk.clock(), "kim", "북부", member=False)
    assert kim.sync()
    assert kim.sync()
    assert [words for _, words in tray(kim)] == ["bestätigt und verloren"]
    return tmp_path / "kim of before"


def test_a_note_that_a_restored_server_refused_stands_in_the_tray_though_the_files_took_it_for_confirmed(
    kim: Client, refused: Path
) -> None:
    """The files are of before the restore and say that the note is on the server; it is not, and kim is told."""
    put_files_back(kim, refused)
    assert tray(kim) == []
    assert kim.sync()
    assert kim.sync()
    assert tray(kim) == [("rejected", "bestätigt und verloren")]
    assert kim.profile.numbers().waiting == 0


def test_the_same_when_work_after_the_copy_makes_the_computer_take_a_new_id(
    desk: Desk, kim: Client, refused: Path
) -> None:
    """What the files took for confirmed was so for a server of before: under the new id it is sent again, and told."""
    kim.do(CustomerSet(new_id(), desk.customer, {"name": "nach der Kopie"}))
    assert kim.sync()
    put_files_back(kim, refused)
    kim.sync()
    above = keep_above(kim)
    assert above is not None
    kim.new_device(above)
    assert kim.sync()
    assert kim.sync()
    assert tray(kim) == [("orphaned", "bestätigt und verloren")]
    assert kim.profile.numbers().waiting == 0


def test_a_refusal_that_was_ticked_off_does_not_come_back_with_another_restore(
    desk: Desk, kim: Client, refused: Path, tmp_path: Path
) -> None:
    """A server that comes back with the refusal tells it again: who has answered for it is not asked again."""
    assert refused.is_dir()
    kim.profile.needs_you.settle([item.id for item in kim.profile.needs_you.entries()])
    back_up(tmp_path / "server", tmp_path / "later.db")
    restore(desk, tmp_path / "later.db")
    kim.core.sync_now()
    assert kim.sync()
    assert kim.sync()
    assert tray(kim) == []


def test_what_a_server_forgot_just_before_it_gave_a_new_device_id_is_sent_again(
    desk: Desk, kim: Client, lee: Client, tmp_path: Path
) -> None:
    """Files of earlier ask for a new id; until it is given the server is restored, and what it confirmed is gone."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    back_up(tmp_path / "server", tmp_path / "backup.db")
    kim.note(ticket, "bestätigt und verloren")
    kim.sync()
    copy_files(kim, tmp_path / "kim of before")
    kim.note(ticket, "nach der Kopie")
    kim.sync()
    put_files_back(kim, tmp_path / "kim of before")
    kim.sync()
    above = keep_above(kim)
    assert above == 1
    restore(desk, tmp_path / "backup.db")
    kim.new_device(above)
    assert kim.sync()
    assert kim.sync()
    assert [row["body"] for row in desk.rows(NOTE.number)] == ["bestätigt und verloren"]
    assert kim.profile.numbers().waiting == 0
