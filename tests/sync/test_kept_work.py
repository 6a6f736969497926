# SPDX-License-Identifier: GPL-3.0-or-later
"""Refused and orphaned work stays, whatever happens to replica.db, the device id and the server's memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.ids import TicketId
from app.domain.needs import NeedItem, NeedKind
from app.services.needs_you import NeedsYou
from app.store.cipher import file_uri, open_raw
from app.store.pending_file import pending_path
from app.store.replica import remove_database, replica_path
from sync.server.retention import Retention
from tests.sync.desk import KEY, Client, Desk
from tests.sync.looks import lose

DAY = 86_400_000
TEXT = "three hours of typing"


def waiting(client: Client) -> list[NeedItem]:
    """What waits; the strip's count is always the same."""
    found = list(client.profile.needs_you.entries())
    assert client.profile.numbers().needs_you == len(found)
    return found


def words(client: Client) -> list[str]:
    """The texts that wait."""
    return [item.body for item in waiting(client)]


def exchange(client: Client) -> None:
    """Ask the server anew and go on to the end; then a minute passes."""
    client.core.poked()
    client.core.rehello()
    assert client.sync()
    client.desk.clock.ms += 120_000
    client.profile.after_checkpoint()


def refused_note(client: Client) -> TicketId:
    """Write a note that the server refuses."""
    ticket = client.new_ticket()
    exchange(client)
    client.note(ticket, TEXT)
    with client.profile._writer.write() as tx:
        tx.run("UPDATE outbox SET hash = x'00' WHERE mid = (SELECT max(mid) FROM outbox)")
    exchange(client)
    assert words(client) == [TEXT]
    return ticket


def month_passes(client: Client) -> None:
    """The server forgets the results that this device knows of, and the outbox what it has sent."""
    clock = client.desk.clock
    exchange(client)
    clock.ms += 31 * DAY
    Retention(client.desk.store, clock).run()
    exchange(client)


def lost(client: Client) -> None:
    """replica.db is deleted."""
    client.replica.close()
    remove_database(client.folder / "replica.db")
    client.restart_window()
    client.open_worker()
    assert not client.aside


def damaged(client: Client) -> None:
    """Every page of replica.db after the first is rubbish."""
    client.replica.close()
    client.profile.close()
    for log in client.folder.glob("replica.db-*"):
        log.unlink()
    path = replica_path(client.folder)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(path.stat().st_size - 4096))
    client.restart_window()
    client.open_worker()
    assert client.aside


def of_another_schema(client: Client) -> None:
    """An update of the program changed the tables."""
    with client.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = 'of the version before' WHERE k = 'schema'")
    client.replica.close()
    client.restart_window()
    client.open_worker()
    assert client.aside


HARMS = pytest.mark.parametrize("harm", [lost, damaged, of_another_schema])


@HARMS
def test_a_refused_note_stays_when_the_replica_is_loaded_again_and_the_server_forgot_its_answer(
    kim: Client, harm: Callable[[Client], None]
) -> None:
    """It is there before the first byte came, after the load, eight days later, and after the next start."""
    refused_note(kim)
    month_passes(kim)
    harm(kim)
    assert words(kim) == [TEXT]
    exchange(kim)
    assert words(kim) == [TEXT]
    for _ in range(2):
        kim.desk.clock.ms += 8 * DAY
        exchange(kim)
        kim.restart_window()
        kim.restart_worker()
        exchange(kim)
        assert words(kim) == [TEXT]


def test_a_refused_note_survives_a_new_device_id_and_then_the_loss_of_the_replica(kim: Client) -> None:
    """The server never tells the results of another device; the entry has the text itself."""
    refused_note(kim)
    kim.new_device(2)
    exchange(kim)
    lost(kim)
    kim.desk.clock.ms += 8 * DAY
    exchange(kim)
    kim.restart_window()
    exchange(kim)
    assert words(kim) == [TEXT]


@HARMS
def test_what_was_ticked_off_does_not_come_back(kim: Client, harm: Callable[[Client], None]) -> None:
    """Neither with the new replica nor with a later start; the text goes when it is due."""
    refused_note(kim)
    NeedsYou(kim.profile.commits, kim.profile.needs_you).discard(waiting(kim))
    month_passes(kim)
    harm(kim)
    exchange(kim)
    kim.restart_window()
    exchange(kim)
    assert words(kim) == []
    with kim.profile._writer.read() as tx:
        assert tx.value("SELECT count(*) FROM needs_you_kept") == 0


def test_what_was_ticked_off_is_put_back_by_undo_also_after_a_checkpoint(kim: Client) -> None:
    """And it survives the loss of the replica from then on."""
    refused_note(kim)
    lost(kim)
    service = NeedsYou(kim.profile.commits, kim.profile.needs_you)
    done = service.discard(waiting(kim))
    exchange(kim)
    service.undo(done)
    exchange(kim)
    lost(kim)
    assert words(kim) == [TEXT]


@HARMS
def test_work_on_a_ticket_that_was_withdrawn_stays_when_the_replica_is_loaded_again(
    desk: Desk, kim: Client, harm: Callable[[Client], None]
) -> None:
    """It was never sent or was refused: either way it waits, and its ticket does not show again."""
    ticket = kim.new_ticket()
    exchange(kim)
    kim.note(ticket, TEXT)
    lose(desk, kim)
    exchange(kim)
    month_passes(kim)
    harm(kim)
    exchange(kim)
    [item] = waiting(kim)
    assert (item.kind, item.body) == (NeedKind.ORPHANED, TEXT)
    assert kim.profile.queries.details(ticket) is None


def test_an_entry_whose_change_was_accepted_after_all_is_not_carried_over(kim: Client) -> None:
    """A restored server takes it: then nothing waits, whichever replica is loaded later."""
    refused_note(kim)
    with kim.replica._file.write() as tx:
        tx.run("DELETE FROM needs_you")  # what Tray does when a later answer is an ok
    kim.profile.after_checkpoint()
    lost(kim)
    assert words(kim) == []


def test_an_entry_that_only_the_replica_of_before_an_update_has_is_carried_over(kim: Client) -> None:
    """The worker wrote it, and the window was closed before it looked."""
    refused_note(kim)
    with kim.profile._writer.write() as tx:
        tx.run("DELETE FROM needs_you_kept")
    kim.profile.close()
    with kim.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = 'of the version before' WHERE k = 'schema'")
    kim.replica.close()
    kim.restart_window()
    kim.open_worker()
    assert words(kim) == [TEXT]


def test_a_profile_of_before_the_record_opens_and_keeps_what_waits(kim: Client) -> None:
    """The table is added in place; the next look fills it."""
    refused_note(kim)
    kim.profile.close()
    raw = open_raw(file_uri(pending_path(kim.folder), "rw"), KEY)
    raw.execute("DROP TABLE needs_you_kept")
    raw.execute("ALTER TABLE draft DROP COLUMN label")
    raw.execute("PRAGMA user_version=3")
    raw.close()
    kim.profile = type(kim.profile)(kim.folder, KEY, kim.tools)
    assert words(kim) == [TEXT]
    kim.profile.after_checkpoint()
    lost(kim)
    assert words(kim) == [TEXT]
