# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen sharing as the server sees it: who may invite, who may join, and what is written on the ticket."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.certificate import read_certificate, read_revocations
from app.domain.changes import TicketSet
from app.domain.documents import SignedDocument, sign_document
from app.domain.entities import CUSTOMER, HISTORY, NOTE, SESSION_RECORD, TICKET
from app.domain.invitation import Invitation, build_invitation
from app.domain.links import parse_invite
from app.domain.signed import b64, sha256
from sync.customer_protocol import SessionEntries, SessionEntry
from sync.server.schema import ENTITY_TABLES, SYSTEM
from sync.server.sessions import SCOPES_MAX
from tests.server.test_push import world_state
from tests.server.world import Agent, World


class Inviter:
    """An agent with a certified key who invites to tickets."""

    def __init__(self, world: World, agent: Agent) -> None:
        self.world = world
        self.agent = agent
        self.key = Ed25519PrivateKey.generate()
        public = b64(self.key.public_key().public_bytes_raw())
        answer = world.client.post("/session/v1/certificate", json={"device_key": public}, headers=agent.bearer)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        self.org_id = json.loads(told["certificate"])["org_id"]
        self.certificate = SignedDocument.from_parts(told["certificate"], told["signature"])
        self.secret = world.rng(32)
        self.sid = b""
        self.document = self.signature = b""
        self.session_key = Ed25519PrivateKey.generate()

    def body(self, ticket: bytes, **changes: Any) -> dict[str, Any]:
        """The body of an invitation."""
        self.sid = self.world.rng(16)
        now = self.world.clock()
        fields: dict[str, Any] = {
            "iid": self.world.rng(16), "sid": self.sid, "org_id": self.org_id, "ticket_id": ticket.hex(),
            "ticket_no": f"#{self.number(ticket)}", "subject": "프린터가 안 됩니다",
            "requester_id": self.world.customer.hex(), "requester_mail": "y***@example.com",
            "agent_cert": self.certificate, "join_hash": hashlib.sha256(self.secret).digest(),
            "scopes_max": ("view",), "created": now, "not_after": now + 600_000,
        }  # fmt: skip
        signed = build_invitation(self.key, Invitation(**(fields | changes)))
        (self.document, self.signature), (document, signature) = (signed.document, signed.signature), signed.parts
        return {"invitation": document, "signature": signature, "join_secret": b64(self.secret), "want_code": True}

    def invite(self, ticket: bytes, **changes: Any) -> Any:
        """Register an invitation and return the raw answer."""
        body = self.body(ticket, **changes)
        return self.world.client.post("/session/v1/invitations", json=body, headers=self.agent.bearer)

    def number(self, ticket: bytes) -> int | None:
        """The ticket's number; None for one that the server does not know."""
        table = ENTITY_TABLES[TICKET.number]
        with self.world.store.read() as cx:
            return cx.execute(sa.select(table.c.number).where(table.c.id == ticket)).scalar()

    @property
    def public(self) -> str:
        """The key of the customer's end."""
        return b64(self.session_key.public_key().public_bytes_raw())

    def entry(self, n: int, kind: str, prev: bytes = b"p" * 32, **data: Any) -> SessionEntry:
        """An entry of this session's record as its customer's end makes it; the first is `joined`."""
        if n == 0:
            prev = hashlib.sha256(self.document).digest()
            data = {"session_key": self.public} | data
        return entry(n, kind, prev, self.session_key, **data)

    def entries(self, ticket: bytes, *kinds: str, first: int = 0) -> SessionEntries:
        """Several in one go."""
        made = [self.entry(first + n, kind) for n, kind in enumerate(kinds)]
        return SessionEntries(sid=self.sid.hex(), ticket=ticket.hex(), entries=made)

    def end(self, headers: dict[str, str] | None = None) -> int:
        """Close the session."""
        path = f"/session/v1/{self.sid.hex()}/end"
        return int(
            self.world.client.post(path, json={"reason": "stopped"}, headers=headers or self.agent.bearer).status_code
        )


def redeem(world: World, body: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    """Hand in a code or an iid."""
    return world.client.post("/session/v1/redeem", json=body, headers=headers or {})


def entry(n: int, kind: str, prev: bytes, key: Ed25519PrivateKey, **data: Any) -> SessionEntry:
    """A chain entry signed with a key."""
    fields = {"n": n, "prev": b64(prev), "at": 1_790_000_000_000, "by": "customer", "type": kind, "data": data}
    signed = sign_document(key, "deskside-chain-1", fields)
    digest = sha256("deskside-chain-1", prev, signed.document)
    return SessionEntry(n=n, kind=kind, entry=signed.to_text(), hash=b64(digest), at=1_790_000_000_000)


def test_the_certificate_names_the_agent_and_lives_a_week(desk: World) -> None:
    """Signed by the organisation key that companions pin."""
    kim = desk.agent()
    read = read_certificate(Inviter(desk, kim).certificate, desk.keys.organisation_public)
    assert (read.name, read.team, read.agent_id) == ("김지우", "북부", kim.id.hex())
    assert read.scopes_max == SCOPES_MAX
    assert read.valid_at(desk.clock())


def test_the_revocation_list_is_signed_and_names_withdrawn_certificates(desk: World) -> None:
    """Anybody may read it."""
    inviter = Inviter(desk, desk.agent())
    serial = json.loads(inviter.certificate.document)["serial"]
    desk.store.write(lambda cx: cx.execute(SYSTEM.certificate.update().values(revoked_at=desk.clock())))
    told = desk.client.get("/session/v1/revocations").json()
    signed = SignedDocument.from_parts(told["document"], told["signature"])
    assert read_revocations(signed, desk.keys.organisation_public).serials == {serial}


def revocations(desk: World) -> Any:
    """The list as a Companion reads it."""
    answer = desk.client.get("/session/v1/revocations")
    assert answer.status_code == 200, answer.text
    signed = SignedDocument.from_parts(answer.json()["document"], answer.json()["signature"])
    return read_revocations(signed, desk.keys.organisation_public)


def test_however_many_certificates_a_device_asked_for_the_list_of_revoked_ones_is_short(desk: World) -> None:
    """One name for the key that it has; every certificate for that key is named by it, and nobody else's."""
    lee, kim = Inviter(desk, desk.agent("lee")), Inviter(desk, desk.agent("kim"))
    table = SYSTEM.certificate
    with desk.store.read() as cx:
        first = dict(cx.execute(table.select().where(table.c.account_id == lee.agent.id)).mappings().one())
    many = [{**first, "serial": f"{n:032x}"} for n in range(1500)]
    desk.store.write(lambda cx: cx.execute(table.insert(), many))
    of_lee = SYSTEM.device.c.account_id == lee.agent.id
    desk.store.write(lambda cx: cx.execute(SYSTEM.device.update().where(of_lee).values(state="suspended")))
    told = revocations(desk)
    assert (len(told.serials), len(told.keys), len(told.agents)) == (0, 1, 0)
    certificates = [read_certificate(who.certificate, desk.keys.organisation_public) for who in (lee, kim)]
    assert [told.names(certificate) for certificate in certificates] == [True, False]


def test_a_person_with_many_revoked_certificates_is_named_whole(desk: World) -> None:
    """So the list never outgrows what a document may hold."""
    lee, table = Inviter(desk, desk.agent("lee")), SYSTEM.certificate
    with desk.store.read() as cx:
        first = dict(cx.execute(table.select()).mappings().one())
    many = [{**first, "serial": f"{n:032x}", "revoked_at": 1} for n in range(1500)]
    desk.store.write(lambda cx: cx.execute(table.insert(), many))
    told = revocations(desk)
    assert (told.serials, told.agents) == (frozenset(), {lee.agent.id.hex()})


def test_a_device_gets_certificates_for_few_keys_and_for_its_own_as_often_as_it_asks(desk: World) -> None:
    """429 for one more; another device is not stopped by it."""
    lee = desk.agent("lee")
    keys = [b64(Ed25519PrivateKey.generate().public_key().public_bytes_raw()) for _ in range(5)]

    def ask(key: str, who: Agent) -> int:
        answer = desk.client.post("/session/v1/certificate", json={"device_key": key}, headers=who.bearer)
        return int(answer.status_code)

    assert [ask(key, lee) for key in keys] == [200, 200, 200, 200, 429]
    assert [ask(keys[0], lee), ask(keys[4], desk.agent("kim"))] == [200, 200]


@pytest.mark.parametrize(
    "says",
    [{"subject": "Refund of 4,990,000 by Hanbit Bank"}, {"ticket_no": "#777777"}, {"ticket_no": "777777"}],
    ids=["subject", "number", "bare number"],
)
def test_an_invitation_says_of_the_ticket_what_stands_on_it(desk: World, says: dict[str, str]) -> None:
    """The customer reads number and subject before the first click: they are no words of the agent's."""
    kim = desk.agent()
    answer = Inviter(desk, kim).invite(kim.ticket(), **says)
    assert (answer.status_code, answer.json()["code"]) == (409, "ticket")


def test_a_ticket_with_a_strange_subject_is_invited_to_by_one_clean_line(desk: World) -> None:
    """Breaks and characters that turn a line round, in what a customer wrote, are left out by both."""
    kim = desk.agent()
    ticket = kim.ticket(subject="프린터 \u202e안 됨  지금")
    inviter = Inviter(desk, kim)
    assert inviter.invite(ticket, subject="프린터 안 됨 지금").status_code == 200


def notes(world: World, ticket: bytes) -> list[tuple[str, bytes]]:
    """The internal notes of a ticket, with their authors."""
    table = ENTITY_TABLES[NOTE.number]
    with world.store.read() as cx:
        found = cx.execute(sa.select(table.c.body, table.c.author).where(table.c.ticket == ticket)).all()
    return [(body, bytes(author)) for body, author in found]


def test_the_reason_of_an_invitation_is_an_internal_note_of_its_author(desk: World) -> None:
    """It is written with the invitation or not at all; without a reason nothing is written."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    refused = desk.client.post(
        "/session/v1/invitations", json=inviter.body(ticket, subject="다른 제목") | {"note": "왜"}, headers=kim.bearer
    )
    assert refused.status_code == 409
    assert not notes(desk, ticket)
    body = inviter.body(ticket) | {"note": "  드라이버 설정을 함께 봅니다 "}
    assert desk.client.post("/session/v1/invitations", json=body, headers=kim.bearer).status_code < 300
    assert notes(desk, ticket) == [("드라이버 설정을 함께 봅니다", kim.id)]
    assert inviter.invite(ticket).status_code < 300
    assert len(notes(desk, ticket)) == 1


@pytest.mark.parametrize("note", ["", "  \n "])
def test_a_server_that_wants_a_reason_takes_no_invitation_without_one(desk: World, note: str) -> None:
    """Whatever the agent's program does; it is told so with the certificate."""
    desk.parts.sessions._require_note = True
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    public = b64(inviter.key.public_key().public_bytes_raw())
    told = desk.client.post("/session/v1/certificate", json={"device_key": public}, headers=kim.bearer).json()
    assert told["require_note"] is True
    answer = desk.client.post("/session/v1/invitations", json=inviter.body(ticket) | {"note": note}, headers=kim.bearer)
    assert (answer.status_code, answer.json()["code"]) == (409, "note_missing")
    assert not notes(desk, ticket)


def test_a_blocked_customer_is_not_invited(desk: World) -> None:
    """Whoever blocked that customer meant screens too."""
    kim, table = desk.agent(), ENTITY_TABLES[CUSTOMER.number]
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    blocked = table.update().where(table.c.id == desk.customer)
    desk.store.write(lambda cx: cx.execute(blocked.values(blocked_reason="abuse")))
    answer = inviter.invite(ticket)
    assert (answer.status_code, answer.json()["code"]) == (409, "requester")
    desk.store.write(lambda cx: cx.execute(blocked.values(blocked_reason="")))
    assert inviter.invite(ticket).status_code == 200


def test_a_new_invitation_ends_the_earlier_one_of_its_ticket(desk: World) -> None:
    """One code and one link open a ticket's screen; that of another ticket stays."""
    kim = desk.agent()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    other = inviter.invite(kim.ticket(2)).json()
    made = [inviter.invite(ticket).json() for _ in range(3)]
    opens = [redeem(desk, {"iid": parse_invite(one["link"]).iid.hex()}).status_code for one in (*made, other)]
    assert opens == [404, 404, 200, 200]
    assert [redeem(desk, {"code": one["code"]}).status_code for one in made] == [404, 404, 200]


def test_an_invitation_is_handed_out_by_code_once_and_by_link(world: World) -> None:
    """A code gives the join secret as well; a link carries its own."""
    kim = world.agent()
    inviter = Inviter(world, kim)
    made = inviter.invite(kim.ticket()).json()
    assert not made["pushed"]
    link = parse_invite(made["link"])
    assert link.join_secret == inviter.secret
    by_link = redeem(world, {"iid": link.iid.hex()}).json()
    assert by_link["join_secret"] is None
    spoken = f"{made['code'][:3]} {made['code'][3:6]} {made['code'][6:]}"
    by_code = redeem(world, {"code": spoken}).json()
    assert by_code["join_secret"] == b64(inviter.secret)
    assert by_code["invitation"] == by_link["invitation"]
    assert redeem(world, {"code": made["code"]}).status_code == 404


def test_wrong_used_expired_and_ended_all_look_the_same(desk: World) -> None:
    """404 `code`."""
    kim = desk.agent()
    inviter = Inviter(desk, kim)
    ticket = kim.ticket()
    ended, expired = inviter.invite(ticket).json(), None
    assert inviter.end() == 204
    expired = inviter.invite(ticket).json()
    desk.clock.forward(601)
    answers = [redeem(desk, {"code": code}) for code in ("000000000", ended["code"], expired["code"])]
    answers.append(redeem(desk, {"iid": "00" * 16}))
    assert {(a.status_code, a.text) for a in answers} == {(404, answers[0].text)}


def test_five_wrong_codes_block_the_sender_but_not_links(desk: World) -> None:
    """Guessing nine digits is hopeless; a person with the link is not locked out."""
    kim = desk.agent()
    made = Inviter(desk, kim).invite(kim.ticket()).json()
    for n in range(5):
        assert redeem(desk, {"code": f"{n:09d}"}).status_code == 404
    assert redeem(desk, {"code": made["code"]}).status_code == 404
    assert redeem(desk, {"iid": parse_invite(made["link"]).iid.hex()}).status_code == 200


def test_invitations_need_a_live_ticket_that_the_agent_sees_and_its_own_requester(desk: World) -> None:
    """Each refusal by its word; nothing is registered."""
    kim, park = desk.agent("kim"), desk.agent("park")
    inviter, stranger = Inviter(desk, kim), Inviter(desk, park)
    ticket = kim.ticket()
    assert stranger.invite(ticket).json()["code"] == "scope"
    assert inviter.invite(ticket, requester_id=desk.other_customer.hex()).json()["code"] == "requester"
    assert inviter.invite(ticket, org_id="other").json()["code"] == "invitation"
    old = {"created": desk.clock() - 700_000, "not_after": desk.clock() - 100_000}
    assert inviter.invite(ticket, **old).json()["code"] == "invitation"
    wrong_secret = inviter.body(ticket) | {"join_secret": b64(b"z" * 32)}
    answer = desk.client.post("/session/v1/invitations", json=wrong_secret, headers=kim.bearer)
    assert (answer.status_code, answer.json()["code"]) == (400, "invitation")
    stolen = desk.client.post("/session/v1/invitations", json=inviter.body(ticket), headers=park.bearer)
    assert stolen.json()["code"] == "invitation"
    fields = {"state": world_state(desk, "closed"), "close_reason": "spam"}
    kim.do(TicketSet(kim.fresh(), ticket, fields))
    assert inviter.invite(ticket).json()["code"] == "ticket"


def test_a_companion_that_opened_the_invitation_keeps_others_out(world: World) -> None:
    """The session belongs to the first of the customer's devices that answers."""
    kim, companion, second = world.agent(), world.companion(), world.companion()
    made = Inviter(world, kim).invite(kim.ticket()).json()
    iid = {"iid": parse_invite(made["link"]).iid.hex()}
    assert redeem(world, iid, companion.bearer).status_code == 200
    assert redeem(world, iid, second.bearer).status_code == 404
    assert redeem(world, iid).status_code == 404
    assert redeem(world, iid, companion.bearer).status_code == 200


def test_entries_of_a_session_are_written_on_the_ticket_once_whoever_brings_them(world: World) -> None:
    """Consent and end stand in the history; the server's own state follows them."""
    kim, companion = world.agent(), world.companion()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    inviter.invite(ticket)
    ask = inviter.entries(ticket, "joined", "consent")
    assert companion.post("/customer/v1/entries", ask).status_code == 200
    path = f"/session/v1/{inviter.sid.hex()}/entries"
    import msgspec

    body = msgspec.json.encode(SessionEntries(sid=ask.sid, ticket=ask.ticket, entries=ask.entries[1:]))
    headers = {**kim.bearer, "content-type": "application/json"}
    assert world.client.post(path, content=body, headers=headers).status_code == 200
    kim.pull()
    assert len(kim.copy.of(SESSION_RECORD.number)) == 2
    kinds = [h["kind"] for h in kim.copy.of(HISTORY.number)]
    assert sorted(k for k in kinds if k.startswith("session.")) == ["session.consent", "session.joined"]

    def state() -> tuple[str, int]:
        with world.store.read() as cx:
            row = cx.execute(SYSTEM.session.select()).mappings().one()
            return row["state"], row["ends"] - world.clock()

    assert state() == ("active", 3_600_000)
    end = inviter.entries(ticket, "end", first=2)
    assert companion.post("/customer/v1/entries", end).status_code == 200
    assert state() == ("ended", 30_000)


def test_a_false_entry_hash_is_refused(desk: World) -> None:
    """Else a member could keep the true entry out."""
    import msgspec

    kim, companion = desk.agent(), desk.companion()
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    inviter.invite(ticket)
    false = msgspec.structs.replace(inviter.entry(0, "joined"), hash=b64(b"h" * 32))
    ask = SessionEntries(sid=inviter.sid.hex(), ticket=ticket.hex(), entries=[false])
    assert companion.post("/customer/v1/entries", ask).json()["code"] == "entry"


def test_a_record_pushed_by_a_device_must_be_what_its_hash_says(world: World) -> None:
    """Neither a false text nor a wrong kind or number takes the place of the customer's true entry."""
    from app.domain.changes import SessionRecordAdd
    from app.domain.signed import unb64

    kim, companion = world.agent(), world.companion()
    inviter, ticket = Inviter(world, kim), kim.ticket()
    inviter.invite(ticket)
    true, receipt = inviter.entry(0, "joined"), '{"v":1}'
    good = SessionRecordAdd(
        kim.fresh(), ticket, inviter.sid, true.n, true.kind, true.entry, unb64(true.hash), true.at
    )  # fmt: skip
    falsehoods: list[dict[str, Any]] = [
        {"entry": inviter.entry(0, "joined", app="other").entry}, {"entry": "{}"}, {"entry_no": 7},
        {"kind": "consent"}, {"kind": "receipt"}, {"kind": "open", "entry": receipt},
    ]  # fmt: skip
    for false in falsehoods:
        assert kim.do(replace(good, event=kim.fresh(), **false)) == ("rejected", "bad_value")
    ask = SessionEntries(sid=inviter.sid.hex(), ticket=ticket.hex(), entries=[true])
    assert companion.post("/customer/v1/entries", ask).status_code == 200
    assert kim.do(good) == ("ok", None)
    kim.pull()
    assert [r["kind"] for r in kim.copy.of(SESSION_RECORD.number)] == ["joined"]


def test_strangers_cannot_end_or_write_into_a_session(desk: World) -> None:
    """404, as if it did not exist."""
    kim, lee = desk.agent("kim"), desk.agent("lee")
    other = desk.companion(desk.other_customer)
    inviter, ticket = Inviter(desk, kim), kim.ticket()
    inviter.invite(ticket)
    assert inviter.end(lee.bearer) == 404
    assert inviter.end(other.bearer) == 404
    ask = SessionEntries(sid=inviter.sid.hex(), ticket=ticket.hex(), entries=[inviter.entry(0, "joined")])
    assert other.post("/customer/v1/entries", ask).status_code == 404
    assert inviter.end() == 204
