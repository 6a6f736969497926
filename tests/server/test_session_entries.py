# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands on a ticket of a session in the customer's name was signed by the customer's end, whoever hands it in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.changes import SessionRecordAdd
from app.domain.documents import SignedDocument, sign_document
from app.domain.entities import SESSION_RECORD
from app.domain.signed import b64, lp, sign, unb64
from sync.customer_protocol import SessionEntries, SessionEntry
from sync.protocol import Sig, SigNack
from sync.server.schema import SYSTEM
from tests.server.test_live import live
from tests.server.test_sessions import Inviter, redeem
from tests.server.world import Agent, World


@dataclass
class Invited:
    """A session that an agent invited to; nobody has answered yet."""

    world: World
    kim: Agent
    inviter: Inviter
    ticket: bytes
    made: dict[str, Any]

    @property
    def sid(self) -> bytes:
        """Which session."""
        return self.inviter.sid

    def record(self, entry: SessionEntry, sid: bytes | None = None) -> SessionRecordAdd:
        """The entry as an agent's program pushes it."""
        event, hash_ = self.kim.fresh(), unb64(entry.hash)
        return SessionRecordAdd(event, self.ticket, sid or self.sid, entry.n, entry.kind, entry.entry, hash_, entry.at)

    def push(self, entry: SessionEntry, who: Agent | None = None, sid: bytes | None = None) -> str:
        """What the server makes of an entry that an agent's device pushes."""
        return (who or self.kim).do(self.record(entry, sid))[0]

    def post(self, bearer: dict[str, str], *entries: SessionEntry) -> int:
        """Hand entries in with a token."""
        body = SessionEntries(sid=self.sid.hex(), ticket=self.ticket.hex(), entries=list(entries))
        headers = {**bearer, "content-type": "application/json"}
        path = f"/session/v1/{self.sid.hex()}/entries"
        answer = self.world.client.post(path, content=msgspec.json.encode(body), headers=headers)
        return int(answer.status_code)

    def forged(self, n: int, kind: str) -> SessionEntry:
        """An entry that says it is of this session, signed with somebody's own key."""
        mine, self.inviter.session_key = self.inviter.session_key, Ed25519PrivateKey.generate()
        try:
            return self.inviter.entry(n, kind)
        finally:
            self.inviter.session_key = mine

    def state(self) -> str:
        """Where the session stands."""
        with self.world.store.read() as cx:
            return str(cx.execute(SYSTEM.session.select()).mappings().one()["state"])

    def kinds(self) -> list[str]:
        """What stands on the ticket."""
        self.kim.pull()
        return sorted(str(row["kind"]) for row in self.kim.copy.of(SESSION_RECORD.number))

    def join(self, bearer: str, key: Ed25519PrivateKey | None = None, to: str = "agent") -> list[str]:
        """The customer's end says who it is, over its live line. Returns how the relay refuses it."""
        public = (key or self.inviter.session_key).public_key().public_bytes_raw()
        body = json.dumps({"iid": "", "session_key": b64(public)})
        data = json.dumps({"v": 1, "t": "join", "n": 0, "body": body}).encode()
        with live(self.world, bearer) as line:
            line.send(Sig(session=self.sid, to=to, n=0, data=data))
            return [message.code for message in line.sync() if isinstance(message, SigNack)]


def invited(world: World) -> Invited:
    """An agent invites to a ticket."""
    kim = world.agent()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    made = inviter.invite(ticket)
    assert made.status_code == 200
    return Invited(world, kim, inviter, ticket, made.json())


def test_an_agent_alone_cannot_write_the_customers_consent(world: World) -> None:
    """Before the customer's end said who it is, nothing counts as its word; no relay is lent."""
    session = invited(world)
    entries = [session.inviter.entry(0, "joined"), session.inviter.entry(1, "consent")]
    assert session.post(session.kim.bearer, *entries) == 409
    assert [session.push(entry) for entry in entries] == ["rejected", "rejected"]
    assert (session.state(), session.kinds()) == ("invited", [])


@pytest.mark.parametrize("by", ["entry", "join"])
def test_the_customers_end_names_its_key_once_and_only_that_key_counts(desk: World, by: str) -> None:
    """By its first entry or its first signal, whichever comes first; the agent may then hand in what it signed."""
    session, companion = invited(desk), desk.companion()
    first, consent = session.inviter.entry(0, "joined"), session.inviter.entry(1, "consent")
    if by == "entry":
        assert session.post(companion.bearer, first) == 200
    else:
        session.join(companion.access)
    assert session.push(session.forged(1, "consent")) == "rejected"
    assert session.post(companion.bearer, session.forged(0, "joined")) == 409
    assert session.state() == "invited"
    assert [session.push(first), session.push(consent)] == ["ok", "ok"]
    assert (session.state(), session.kinds()) == ("active", ["consent", "joined"])


def test_a_customer_with_a_browser_names_its_key_over_the_line_of_its_own_token(desk: World) -> None:
    """The page has no device: the token for the session is what tells the server that it is the customer's side."""
    session = invited(desk)
    token = redeem(desk, {"code": session.made["code"]}).json()["token"]
    assert session.join(token) == ["absent"]  # taken, though no agent listens
    assert session.join(token, Ed25519PrivateKey.generate()) == ["not_member"]
    assert session.push(session.forged(0, "joined")) == "rejected"
    bearer = {"authorization": f"Bearer {token}"}
    assert session.post(bearer, session.inviter.entry(0, "joined"), session.inviter.entry(1, "consent")) == 200
    assert session.state() == "active"


def test_the_agents_own_line_never_names_the_key(desk: World) -> None:
    """A `join` that the agent sends says nothing of the customer's."""
    session = invited(desk)
    session.join(session.kim.tokens.access, to="customer")
    assert session.push(session.inviter.entry(0, "joined")) == "rejected"


def test_nothing_is_written_of_a_session_that_was_never_invited_to(desk: World) -> None:
    """An invented number of a session, or the number of one for another ticket."""
    session, companion = invited(desk), desk.companion()
    assert session.post(companion.bearer, session.inviter.entry(0, "joined")) == 200
    consent = session.inviter.entry(1, "consent")
    assert session.push(consent, sid=b"\x07" * 16) == "rejected"
    elsewhere = replace(session.record(consent), ticket=session.kim.ticket(2))
    assert session.kim.do(elsewhere)[0] == "rejected"
    assert session.kinds() == ["joined"]


def test_a_colleague_cannot_end_somebody_elses_session(desk: World) -> None:
    """Neither with a forged entry nor by handing in a true one early."""
    session, companion, lee = invited(desk), desk.companion(), desk.agent("lee")
    entries = [session.inviter.entry(0, "joined"), session.inviter.entry(1, "consent")]
    assert session.post(companion.bearer, *entries) == 200
    assert session.push(session.forged(2, "end"), lee) == "rejected"
    assert session.push(session.inviter.entry(2, "end"), lee) == "rejected"
    assert session.state() == "active"


def test_the_agent_hands_entries_in_long_afterwards_and_from_a_new_sign_in(desk: World) -> None:
    """What was kept without a network is the customer's word still, in whatever order it comes."""
    session, companion = invited(desk), desk.companion()
    session.join(companion.access)
    desk.clock.forward(3 * 24 * 3600)
    again = desk.agent("kim")
    end, first = session.inviter.entry(2, "end"), session.inviter.entry(0, "joined")
    assert [session.push(entry, again) for entry in (end, first)] == ["ok", "ok"]
    session.kim = again
    assert session.kinds() == ["end", "joined"]


def receipt(session: Invited, **changes: Any) -> SessionEntry:
    """A receipt file of a session with two entries, countersigned by the agent's device."""
    first = session.inviter.entry(0, "joined")
    end = session.inviter.entry(1, "end", unb64(first.hash))
    signed = SignedDocument(session.inviter.document, session.inviter.signature)
    fields: dict[str, Any] = {
        "v": 1, "kind": "deskside-receipt", "session_key": session.inviter.public, "invitation": signed.to_text(),
        "entries": [first.entry, end.entry],
        "countersignature": b64(sign(session.inviter.key, "deskside-receipt-1", lp(unb64(end.hash)))),
    }  # fmt: skip
    return plain("receipt", 2, json.dumps(fields | changes))


def plain(kind: str, n: int, text: str) -> SessionEntry:
    """Something that is no link of the record."""
    return SessionEntry(n=n, kind=kind, entry=text, hash=b64(hashlib.sha256(text.encode()).digest()), at=1)


def test_a_receipt_on_the_ticket_is_of_this_session_and_whole(desk: World) -> None:
    """Not any text: this invitation, this key, whole from the first entry on, countersigned by this agent."""
    session, companion = invited(desk), desk.companion()
    session.join(companion.access)
    stranger = Ed25519PrivateKey.generate()
    late = session.forged(1, "end").entry
    false: list[dict[str, Any]] = [
        {"kind": "note"}, {"session_key": b64(b"k" * 32)}, {"invitation": "x"}, {"entries": []}, {"entries": [late]},
        {"countersignature": b64(sign(stranger, "deskside-receipt-1", b""))},
    ]  # fmt: skip
    assert {session.push(receipt(session, **changes)) for changes in false} == {"rejected"}
    assert session.push(plain("receipt", 1, "[1]")) == "rejected"
    assert session.post(companion.bearer, receipt(session, countersignature=None)) == 200
    assert session.push(receipt(session)) == "ok"
    assert session.kinds() == ["receipt", "receipt"]


def test_only_the_device_that_invited_says_that_a_record_has_no_end(desk: World) -> None:
    """The statement carries its signature."""
    session, companion = invited(desk), desk.companion()
    session.join(companion.access)
    fields = {"v": 1, "sid": b64(session.sid), "n": 1, "by": "agent", "type": "open"}

    def closing(key: Ed25519PrivateKey) -> SessionEntry:
        return plain("open", 1, sign_document(key, "deskside-closing-1", fields).to_text())

    assert session.push(closing(Ed25519PrivateKey.generate())) == "rejected"
    assert session.post(companion.bearer, closing(session.inviter.key)) == 409
    assert session.push(closing(session.inviter.key)) == "ok"


def test_the_first_entry_belongs_to_this_invitation(desk: World) -> None:
    """One taken from another session is refused, whoever brings it."""
    session, companion = invited(desk), desk.companion()
    true = session.inviter.entry(0, "joined")
    session.inviter.document = b"another invitation"
    assert session.post(companion.bearer, session.inviter.entry(0, "joined")) == 409
    assert session.post(companion.bearer, true) == 200


def test_the_customers_other_computer_does_not_answer_a_session_that_has_its_key(desk: World) -> None:
    """The first that answers has it."""
    session, first, second = invited(desk), desk.companion(), desk.companion()
    assert session.post(first.bearer, session.inviter.entry(0, "joined")) == 200
    assert session.join(second.access, Ed25519PrivateKey.generate()) == ["not_member"]
    assert session.join(first.access) == ["absent"]
