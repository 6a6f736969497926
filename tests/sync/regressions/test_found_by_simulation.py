# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories that the simulator found to end badly, told again without it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from app.domain.changes import (
    Actor,
    ConflictResolve,
    Context,
    Row,
    TicketCreate,
    TicketDelete,
    TicketMerge,
    TicketSet,
    TimeAdd,
)
from app.domain.entities import MESSAGE, STATE, TICKET, TIME_ENTRY, Value
from app.domain.errors import Refused, StoreUnavailable
from app.domain.executor import execute
from app.domain.ids import new_id
from app.store.rebuild import Rebuilder
from app.store.schema import PENDING_VERSION
from app.store.shown import Shown, ShownRows
from sync.conflicts import decide
from sync.protocol import Hello, Pull, Push
from sync.server.apply import Applier
from sync.server.devices import Devices
from tests.sync.desk import Client, Desk


def shown(client: Client, ticket: bytes) -> dict[str, Any]:
    """What the list shows of a ticket."""
    with client.profile.readers().read() as tx:
        row = ShownRows(Shown(tx)).get(TICKET.number, ticket)
        assert row is not None
        return dict(row.values)


def test_a_refused_edit_leaves_the_view_though_a_later_one_of_the_ticket_waits(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base row is as before, so nothing but the refusal says that the image must be made anew."""
    ticket = kim.new_ticket("before")
    kim.sync()
    apply = Applier.apply

    def refusing(self: Applier, change: Any, *more: Any) -> Any:
        if isinstance(change, TicketSet) and change.fields.get("subject") == "refused":
            raise Refused("scope")
        return apply(self, change, *more)

    monkeypatch.setattr(Applier, "apply", refusing)
    later = TicketSet(new_id(), ticket, {"priority": 4})

    saved: list[int] = []

    def save_meanwhile(request: object) -> bool:
        if isinstance(request, Pull) and not saved:
            saved.append(kim.profile.commits.commit(later).mid)
        return False

    kim.line.lose = save_meanwhile
    kim.set(ticket, subject="refused")
    kim.sync()
    assert kim.replica.state().lmid_seen < saved[0]
    assert shown(kim, ticket)["subject"] == "before"
    assert shown(kim, ticket)["priority"] == 4


def test_a_change_that_changed_nothing_is_in_view_once_the_one_before_it_was_refused(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved twice the same: the second changed no row, so nothing but the outbox says that it still waits."""
    ticket = kim.new_ticket("before")
    kim.sync()
    apply, first = Applier.apply, TicketSet(new_id(), ticket, {"subject": "wanted"})

    def refusing(self: Applier, change: Any, *more: Any) -> Any:
        if isinstance(change, TicketSet) and change.event == first.event:
            raise Refused("scope")
        return apply(self, change, *more)

    monkeypatch.setattr(Applier, "apply", refusing)
    saved: list[int] = []

    def save_meanwhile(request: object) -> bool:
        if isinstance(request, Pull) and not saved:
            saved.append(kim.profile.commits.commit(TicketSet(new_id(), ticket, {"subject": "wanted"})).mid)
        return False

    kim.line.lose = save_meanwhile
    kim.do(first)
    kim.sync()
    assert kim.replica.state().lmid_seen < saved[0]
    assert shown(kim, ticket)["subject"] == "wanted"


def checkpoint(client: Client, sql: str, *args: object) -> None:
    """Let a checkpoint change something, and the window see it."""
    with client.replica._file.write() as tx:
        tx.run(sql, args)
        tx.run("UPDATE meta SET v = v + 1 WHERE k = 'checkpoint_no'")
    client.profile.after_checkpoint()


def test_an_image_is_made_anew_though_the_row_has_the_same_seq_in_the_scope_it_moved_to(kim: Client) -> None:
    ticket = kim.new_ticket("before")
    kim.sync()
    kim.note(ticket)
    checkpoint(kim, "UPDATE ticket SET subject = 'before'")
    checkpoint(kim, "UPDATE ticket SET subject = 'moved', rev = rev + 1 WHERE id = ?", ticket)
    assert shown(kim, ticket)["subject"] == "moved"


def test_an_image_is_made_anew_though_the_row_has_the_same_seq_after_the_server_was_restored(kim: Client) -> None:
    ticket = kim.new_ticket("before")
    kim.sync()
    kim.note(ticket)
    checkpoint(kim, "UPDATE ticket SET subject = 'before'")
    with kim.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = ? WHERE k = 'epoch'", (bytes(16),))
    checkpoint(kim, "UPDATE ticket SET subject = 'of another time' WHERE id = ?", ticket)
    assert shown(kim, ticket)["subject"] == "of another time"


def test_an_image_that_could_not_be_saved_after_the_server_was_restored_is_made_anew_later(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full: what was noticed counts only once it is written."""
    ticket = kim.new_ticket("before")
    kim.sync()
    kim.note(ticket)
    checkpoint(kim, "UPDATE ticket SET subject = 'before'")
    with kim.replica._file.write() as tx:
        tx.run("UPDATE meta SET v = ? WHERE k = 'epoch'", (bytes(16),))

    def full(*_: object) -> None:
        raise StoreUnavailable("disk_full")

    with monkeypatch.context() as patched:
        patched.setattr(Rebuilder, "_write", full)
        with pytest.raises(StoreUnavailable):
            checkpoint(kim, "UPDATE ticket SET subject = 'of another time' WHERE id = ?", ticket)
    kim.profile.after_checkpoint()
    assert shown(kim, ticket)["subject"] == "of another time"


def test_a_worker_reads_the_outbox_that_a_newer_window_put_in_place_of_the_old_one(kim: Client, desk: Desk) -> None:
    """The program was updated while the worker ran: what is saved from then on is sent all the same."""
    ticket = kim.new_ticket("before")
    kim.sync()
    with kim.profile._writer.plain() as session:
        session.run(f"PRAGMA user_version={PENDING_VERSION - 1}")
    kim.restart_window()
    kim.set(ticket, subject="after")
    kim.sync()
    assert [row["subject"] for row in desk.rows(TICKET.number) if row["id"] == ticket] == ["after"]


class _OnlyItsMessage:
    """What is here of a ticket whose message a merge took to another scope, while its own is loaded again."""

    def __init__(self, change: TicketCreate) -> None:
        values: dict[str, Value] = {"origin_ticket": change.ticket, "ticket": new_id(), "body": change.body}
        self._message = Row(MESSAGE.number, change.message, "team:x", values)
        self._state = Row(STATE.number, new_id(), "ref", {"category": "new"})

    def get(self, type_: int, id_: bytes) -> Row | None:
        return self._message if (type_, id_) == (MESSAGE.number, self._message.id) else None

    def first(self, type_: int, _column: str, _value: Value) -> Row | None:
        return self._state if type_ == STATE.number else None

    def find(self, _type: int, _column: str, _value: Value, *, deleted: bool = False) -> list[Row]:
        del deleted
        return []


def test_a_message_that_a_merge_took_along_is_not_shown_twice_while_its_old_ticket_is_loaded_again() -> None:
    """A replay that would write it once more is left out: the ticket's last image stays."""
    change = TicketCreate(new_id(), new_id(), "subject", new_id(), new_id(), new_id(), "once")
    ctx = Context(Actor("user", new_id()), 1, 1, 1 << 16, "K7", 1, on_server=False)
    with pytest.raises(Refused, match="no_such_ticket"):
        execute(change, {}, _OnlyItsMessage(change), ctx, decide)


def place_of(client: Client, entry: bytes) -> object:
    """The ticket at which an entry of time is shown."""
    with client.profile.readers().read() as tx:
        row = ShownRows(Shown(tx)).get(TIME_ENTRY.number, entry)
        assert row is not None
        return row.values["ticket"]


def note_time_meanwhile(client: Client, ticket: bytes) -> tuple[bytes, list[int]]:
    """Save time on a ticket when the next pull is under way: it is not confirmed by it."""
    entry, saved = new_id(), list[int]()

    def save(request: object) -> bool:
        if isinstance(request, Pull) and not saved:
            saved.append(client.profile.commits.commit(TimeAdd(new_id(), entry, ticket, 5)).mid)
        return False

    client.line.lose = save
    return entry, saved


def test_time_on_a_ticket_is_back_at_it_once_the_merge_before_it_was_refused(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time changes no ticket, so nothing but the ticket that it is about says that its image must be made anew."""
    source, target = kim.new_ticket("source"), kim.new_ticket("target")
    kim.sync()
    apply = Applier.apply

    def refusing(self: Applier, change: Any, *more: Any) -> Any:
        if isinstance(change, TicketMerge):
            raise Refused("scope")
        return apply(self, change, *more)

    monkeypatch.setattr(Applier, "apply", refusing)
    kim.do(TicketMerge(new_id(), source, target))
    entry, saved = note_time_meanwhile(kim, source)
    kim.sync()
    assert kim.replica.state().lmid_seen < saved[0]
    assert place_of(kim, entry) == source


def test_time_on_a_ticket_goes_along_with_it_when_somebody_else_merges_it(kim: Client, lee: Client) -> None:
    """The same, with a merge that comes from the server."""
    source, target = kim.new_ticket("source"), kim.new_ticket("target")
    kim.sync()
    lee.sync()
    lee.do(TicketMerge(new_id(), source, target))
    lee.sync()
    entry, saved = note_time_meanwhile(kim, source)
    kim.sync()
    assert kim.replica.state().lmid_seen < saved[0]
    assert place_of(kim, entry) == target


def tray(client: Client) -> list[tuple[str, str]]:
    """What stands in Needs you: kind and words."""
    return [(item.kind.value, item.body) for item in client.profile.needs_you.entries()]


def lose_team(desk: Desk, login: str) -> None:
    """The administrator takes a person out of the team."""
    Devices(desk.store, random.randbytes).set_team(desk.clock(), login, "북부", member=False)


def test_a_refused_note_of_a_lost_team_stays_in_the_tray_when_the_device_is_numbered_anew(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """The server has answered for it, so it is not sent again: what stands in the tray is all that is left of it."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    kim.note(ticket, "nur hier")
    lose_team(desk, "kim")
    kim.core.rehello()
    assert kim.sync()
    assert tray(kim) == [("orphaned", "nur hier")]
    kim.new_device(kim.core.state.lmid_seen)
    assert kim.sync()
    assert tray(kim) == [("orphaned", "nur hier")]


def test_a_refused_note_that_is_sent_again_under_a_new_number_stands_in_the_tray_once(
    desk: Desk, kim: Client, lee: Client
) -> None:
    """The server was restored and does not know the refusal: it refuses the same note again."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    lose_team(desk, "kim")
    kim.note(ticket, "nur hier")
    assert kim.sync()
    assert len(tray(kim)) == 1
    kim.new_device(0)
    assert kim.sync()
    assert len(tray(kim)) == 1


def test_a_hello_that_arrives_after_its_sender_gave_up_does_not_hide_a_team_for_ever(desk: Desk, kim: Client) -> None:
    """Its answer is nobody's, but the server has told of the new team then: pulls that lack it say so after a while."""
    kim.core.rehello()
    old = kim.core.next(desk.clock())
    assert isinstance(old, Hello)
    Devices(desk.store, random.randbytes).set_team(desk.clock(), "kim", "남부", member=True)
    desk.parts.core.hello(desk.clock(), kim.grant, old)
    team = f"team:{desk.team('남부').hex()}"
    kim.core._wish.hello = False
    assert kim.sync()
    assert team not in kim.core.state.scopes
    desk.clock.ms += 61_000
    assert kim.sync()
    assert team in kim.core.state.scopes


def test_a_choice_that_restores_a_ticket_shows_it_though_it_seemed_alive_when_the_choice_was_made(
    kim: Client, lee: Client
) -> None:
    """An own later edit still showed the deleted ticket then; once that is refused, the choice alone brings it back."""
    ticket = kim.new_ticket("before")
    kim.sync()
    lee.sync()
    kim.do(TicketDelete(new_id(), ticket))
    kim.sync()

    def meanwhile(request: object) -> bool:
        """Edit once more before the deletion is here; decide before the answer to that edit is here."""
        last, seen = lee.replica.last_mid(), lee.replica.state().lmid_seen
        if isinstance(request, Pull) and last == 1:
            lee.set(ticket, priority=4)
        elif isinstance(request, Pull) and last == 2 and seen == 1:
            lee.profile.after_checkpoint()
            with lee.profile.readers().read() as tx:
                conflict = tx.value("SELECT id FROM main.conflict WHERE status = 'open'")
            lee.do(ConflictResolve(new_id(), conflict, "mine"))
        elif isinstance(request, Push) and last == 3:
            lee.line.down = True
        return lee.line.down

    lee.line.lose = meanwhile
    lee.set(ticket, subject="one")
    lee.sync()
    lee.profile.after_checkpoint()
    assert (lee.replica.last_mid(), lee.replica.state().lmid_seen) == (3, 2)
    with lee.profile.readers().read() as tx:
        seen = ShownRows(Shown(tx)).get(TICKET.number, ticket)
    assert seen is not None
    assert (seen.deleted, seen.values["subject"]) == (False, "one")
