# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.assist import EntryType
from app.domain.changes import MessageAdd, SessionRecordAdd, TicketSet
from app.domain.entities import TICKET
from app.domain.errors import Refused, StoreUnavailable
from app.domain.ids import TicketId, new_id
from app.domain.ports import Draft, DraftKind, ItemKind, SendOrder, SendWhy, SortKey, ViewKey
from app.domain.signed import b64
from app.entry.sync_codec import open_profile
from remote_assist.chain import ChainWriter
from sync.server.schema import SYSTEM
from tests.sync.desk import KEY, Client, Desk

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


def test_a_saved_change_shows_at_once_without_a_network(kim: Client) -> None:
    """List, conversation, outbox and counts show what was just saved."""
    ticket = kim.new_ticket()
    kim.sync()
    kim.line.down = True
    kim.reply(ticket, "바로 보입니다")
    kim.set(ticket, priority=4, owner=kim.me)
    row = kim.profile.queries.rows([ticket])[ticket]
    assert (row.priority, row.owner, row.pending, row.unanswered) == (4, kim.me, True, False)
    details = kim.profile.queries.details(ticket)
    assert details is not None
    assert [i.body for i in details.items if i.pending and i.body] == ["바로 보입니다"]
    assert details.seen_seq == 1  # the own reply has no number of the server yet
    assert [(o.name, o.ticket) for o in kim.profile.queries.outbox()] == [
        ("message.add", ticket),
        ("ticket.set", ticket),
    ]
    assert kim.profile.queries.counts()[ViewKey.MINE] == 1
    assert list(kim.profile.queries.ids(ViewKey.MINE)) == [ticket]


def invited_to(kim: Client, ticket: bytes, sid: bytes, key: bytes) -> None:
    """The server knows a session of this agent's, and the key of its customer's end."""
    fields: dict[str, Any] = {
        "sid": sid, "iid": sid, "ticket_id": ticket, "customer_id": kim.desk.customer, "agent_device": kim.grant.device,
        "invitation": b"{}", "signature": bytes(64), "session_key": key, "state": "invited", "created": 1,
        "hard_s": 3600, "ends": kim.desk.clock() + HOUR_MS,
    }  # fmt: skip
    kim.desk.store.write(lambda cx: cx.execute(SYSTEM.session.insert().values(**fields)))


def test_the_history_of_a_session_names_the_customer_and_the_target_whoever_handed_the_record_in(kim: Client) -> None:
    """The agent's program writes the customer's entries on the ticket: the deeds are the customer's."""
    ticket = kim.new_ticket()
    kim.sync()
    key, sid = Ed25519PrivateKey.generate(), bytes(16)
    public = key.public_key().public_bytes_raw()
    invited_to(kim, ticket, sid, public)
    chain = ChainWriter(key, sha256_of(b"{}").digest())
    ending = {"reason": "stopped", "agent": {"id": "1", "name": "김지우"}}
    for entry in (
        chain.add(EntryType.JOINED, "customer", 1, {"session_key": b64(public)}),
        chain.add(EntryType.CONSENT, "customer", 1, {"scope": "view", "target_kind": "window"}),
        chain.add(EntryType.END, "agent", 9, ending),
    ):
        kim.do(SessionRecordAdd(new_id(), ticket, sid, entry.n, entry.type.value, entry.text, entry.hash, entry.at))

    def told() -> list[tuple[str, str, object, object]]:
        details = kim.profile.queries.details(ticket)
        assert details is not None
        lines = [item for item in details.items if item.event.startswith("session.")]
        return [(i.event, i.author_kind, i.author, i.data.get("by")) for i in lines]

    customer = kim.profile.queries.rows([ticket])[ticket].customer
    wanted = [
        ("session.joined", "customer", customer, "customer"),
        ("session.consent", "customer", customer, "customer"),
        ("session.end", "user", kim.me, "agent"),
    ]
    assert told() == wanted
    kim.sync()
    assert told() == wanted
    details = kim.profile.queries.details(ticket)
    assert details is not None
    assert next(i for i in details.items if i.event == "session.consent").data["target"] == "window"


def test_lists_and_counts_agree_while_changes_are_pending(kim: Client) -> None:
    """Own changed tickets stand where they belong in every order and are counted once."""
    tickets = [kim.new_ticket(f"문의 {n}", priority=1 + n % 4) for n in range(12)]
    kim.sync()
    for n in (1, 5, 8):
        kim.note(tickets[n])
    kim.set(tickets[2], priority=4)
    kim.set(tickets[3], state=kim.state("open"))
    queries = kim.profile.queries
    for view, count in queries.counts().items():
        assert len(queries.ids(view)) == len(set(queries.ids(view))) == count
    for sort, key in ((SortKey.LAST_ACTIVITY, "last_at"), (SortKey.PRIORITY, "priority"), (SortKey.NUMBER, "number")):
        rows = queries.rows(queries.ids(ViewKey.ALL))
        values = [getattr(rows[i], key) for i in queries.ids(ViewKey.ALL, sort)]
        assert values == sorted(values, reverse=True)
    assert next(iter(queries.ids(ViewKey.ALL))) == tickets[8]


def test_a_refused_change_leaves_nothing_behind(kim: Client) -> None:
    """A rule says no: no outbox row, no image, and the next change gets the next number."""
    ticket = kim.new_ticket()
    with pytest.raises(Refused, match="reply_first"):
        kim.set(ticket, state=kim.state("solved"))
    assert [item.mid for item in kim.profile.queries.outbox()] == [1]
    kim.note(ticket)
    assert [item.mid for item in kim.profile.queries.outbox()] == [1, 2]


def test_two_offline_edits_of_one_field_do_not_conflict_with_each_other(kim: Client, lee: Client) -> None:
    """The second edit says that it rests on the first."""
    ticket = lee.new_ticket()
    lee.sync()
    kim.sync()
    first = kim.set(ticket, priority=3)
    assert kim.profile.queries.seen(ticket, ["priority"])["priority"].after == first
    kim.set(ticket, priority=1)
    kim.sync()
    assert kim.profile.queries.rows([ticket])[ticket].priority == 1
    assert kim.profile.numbers().needs_you == 0


@pytest.mark.parametrize("restart", [False, True])
def test_a_clock_that_was_ahead_once_gains_nothing_for_later_edits(kim: Client, lee: Client, restart: bool) -> None:
    """One change under a fast clock; put right, an edit of the morning sent in the evening loses to one of noon."""
    ticket, other = lee.new_ticket(), lee.new_ticket()
    lee.sync()
    kim.sync()
    ahead = [10 * YEAR_MS]
    kim.tools = replace(kim.tools, now_ms=lambda: kim.desk.clock() + ahead[0])
    kim.restart_window()
    kim.note(other)
    kim.set(other, priority=1)
    ahead[0] = 0
    if restart:
        kim.restart_window()
    kim.set(ticket, priority=1)
    kim.set(other, priority=3)
    kim.desk.clock.ms += 3 * HOUR_MS
    lee.set(ticket, priority=4)
    lee.sync()
    kim.desk.clock.ms += 5 * HOUR_MS
    kim.core.rehello()
    assert kim.sync()
    assert kim.profile.queries.rows([ticket])[ticket].priority == 4
    assert kim.profile.queries.rows([other])[other].priority == 3, "the later own edit stays the later one"
    assert kim.profile.numbers().needs_you == 0


def test_a_clock_put_back_a_little_does_not_turn_own_edits_around(kim: Client) -> None:
    """Within a minute the times of own changes keep growing."""
    behind = [0]
    kim.tools = replace(kim.tools, now_ms=lambda: kim.desk.clock() - behind[0])
    kim.restart_window()
    ticket = kim.new_ticket()
    behind[0] = 20_000
    kim.note(ticket)
    kim.restart_window()
    kim.note(ticket)
    times = [entry.hlc for entry in kim.replica.outbox(0, 10, 1 << 20)]
    assert len(times) == 3
    assert times == sorted(set(times))


def test_an_edit_can_be_undone_by_its_inverse(kim: Client) -> None:
    """Undo is a new change that restores what was there."""
    ticket = kim.new_ticket()
    done = kim.profile.commits.commit(TicketSet(new_id(), ticket, {"priority": 4}))
    assert done.undo is not None
    kim.profile.commits.commit(done.undo)
    assert kim.profile.queries.rows([ticket])[ticket].priority == 2


def test_a_colleagues_change_joins_an_own_pending_one(kim: Client, lee: Client) -> None:
    """After a checkpoint the image shows both: my priority, not yet sent, and the subject that came from outside."""
    ticket = lee.new_ticket("alt")
    lee.sync()
    kim.sync()
    kim.set(ticket, priority=4)
    lee.set(ticket, subject="neu")
    lee.sync()
    kim.core.poked()
    kim.core._wish.push = False
    while (request := kim.core.next(kim.desk.clock())) is not None:
        kim._exchange(request)
    assert kim.profile.numbers().waiting == 1
    assert kim.profile.after_checkpoint()
    row = kim.profile.queries.rows([ticket])[ticket]
    assert (row.subject, row.priority, row.pending) == ("neu", 4, True)


def test_images_go_a_minute_after_the_server_confirmed(kim: Client) -> None:
    """Nothing flickers at once, and nothing piles up."""
    kim.new_ticket()
    kim.sync()

    def images() -> int:
        with kim.profile.readers().read() as tx:
            return int(tx.value("SELECT count(*) FROM pending.over_ticket"))

    assert images() == 1
    kim.desk.clock.ms += 61_000
    kim.profile.after_checkpoint()
    assert images() == 0
    assert len(kim.profile.queries.ids(ViewKey.ALL)) == 1


def test_a_draft_survives_a_kill_right_after_it_was_saved(tmp_path: Path) -> None:
    """What was typed a second ago is there after kill -9."""
    ticket = TicketId(bytes(16))
    script = (
        "import os,signal,sys; from pathlib import Path; from app.entry.sync_codec import open_profile;"
        "from app.domain.ports import Draft, DraftKind;"
        f"p=open_profile(Path({str(tmp_path)!r}), bytes(range(32)));"
        "p.commits.save_draft(Draft(bytes(16), DraftKind.REPLY, '아직 안 보낸 답변', 4, 7));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    profile = open_profile(tmp_path, KEY)
    draft = profile.commits.draft(ticket, DraftKind.REPLY)
    assert draft is not None
    assert (draft.body, draft.caret, draft.seen_seq) == ("아직 안 보낸 답변", 4, 7)
    assert profile.commits.draft(ticket, DraftKind.NOTE) is None
    profile.commits.save_draft(Draft(ticket, DraftKind.REPLY, "  "))
    assert profile.commits.draft(ticket, DraftKind.REPLY) is None
    profile.close()


def test_a_full_disk_is_said_and_nothing_half_is_kept(kim: Client) -> None:
    """The edit that did not fit is not saved; with room again the next one is."""
    ticket = kim.new_ticket()
    writer = kim.profile._writer
    with writer.plain() as session:
        pages = session.value("PRAGMA page_count")
        session.run(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreUnavailable) as caught:
        kim.note(ticket, "긴 메모 " * 20_000)
    assert caught.value.code == "disk_full"
    assert [item.mid for item in kim.profile.queries.outbox()] == [1]
    writer.close()
    kim.restart_window()
    kim.note(ticket, "짧은 메모")
    assert [item.mid for item in kim.profile.queries.outbox()] == [1, 2]


def test_a_commit_does_not_wait_for_the_worker(kim: Client) -> None:
    """While the worker holds its own file for a large checkpoint, saving goes on."""
    ticket = kim.new_ticket()
    with kim.replica._file.write() as tx:
        tx.run("INSERT INTO meta VALUES('x', 1)")
        kim.note(ticket, "geht")
    assert len(kim.profile.queries.outbox()) == 2


def test_window_state_is_remembered(kim: Client) -> None:
    """Splitters and columns come back."""
    kim.profile.commits.save_ui_state("inbox.splitter", "320,640")
    kim.restart_window()
    assert kim.profile.commits.ui_state("inbox.splitter") == "320,640"


def test_what_is_typed_cannot_be_read_in_the_files(desk: Desk, kim: Client) -> None:
    """Both files, with their logs, are encrypted."""
    kim.new_ticket("geheimer Betreff")
    kim.sync()
    kim.note(TicketId(kim.profile.queries.ids(ViewKey.ALL)[0]), "geheime Notiz")
    for path in kim.folder.glob("*.db*"):
        raw = path.read_bytes()
        assert b"geheim" not in raw
        assert b"SQLite format" not in raw[:16]


def test_a_profile_belongs_to_one_account(kim: Client) -> None:
    """Signing in as somebody else is refused: what waits here was written by the first."""
    identity = kim.profile.identity
    assert identity is not None
    other = type(identity)(new_id(), "x", "X", identity.roles, identity.device, "K7", identity.server)  # type: ignore[arg-type]  # any id
    with pytest.raises(Refused, match="other_account"):
        kim.profile.commits.save_identity(other)


def test_provisional_numbers_never_repeat(kim: Client) -> None:
    """~code-n counts up and survives a restart."""
    first = kim.profile.commits.provisional()
    kim.restart_window()
    second = kim.profile.commits.provisional()
    assert first != second
    ticket = kim.new_ticket(provisional=second)
    assert kim.profile.queries.rows([ticket])[ticket].label == second
    kim.sync()
    assert kim.profile.queries.rows([ticket])[ticket].label.startswith("#")
    assert kim.profile.queries.search(second)[0].row.id == ticket
    assert len(kim.desk.rows(TICKET.number)) == 1


def test_a_reply_and_the_end_of_its_draft_are_one_deed(kim: Client) -> None:
    """At no instant does a kill leave a sent reply that waits to be sent again; a refusal keeps the draft."""
    ticket = TicketId(kim.new_ticket())
    order = SendOrder(99, SendWhy.LATER, "보냅니다", new_id(), new_id(), "wait")
    draft = Draft(ticket, DraftKind.REPLY, "보냅니다", 2, 0, send=order)
    commits = kim.profile.commits
    commits.save_draft(draft)
    assert [p.order for p in commits.planned_sends()] == [order]
    with pytest.raises(Refused):
        commits.commit(MessageAdd(new_id(), new_id(), ticket, ""), clears=(ticket, DraftKind.REPLY))
    assert commits.draft(ticket, DraftKind.REPLY) is not None
    kim.restart_window()
    commits = kim.profile.commits
    assert [p.order for p in commits.planned_sends()] == [order]
    commits.commit(MessageAdd(order.event, order.message, ticket, order.text), clears=(ticket, DraftKind.REPLY))
    assert commits.planned_sends() == []
    assert commits.draft(ticket, DraftKind.REPLY) is None
    # the same order again, as out of a copy from before: there is one message all the same
    commits.commit(MessageAdd(order.event, order.message, ticket, order.text), clears=(ticket, DraftKind.REPLY))
    details = kim.profile.queries.details(ticket)
    assert details is not None
    assert [item.body for item in details.items if item.kind is ItemKind.REPLY] == ["보냅니다"]
