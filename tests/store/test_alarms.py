# SPDX-License-Identifier: GPL-3.0-or-later
"""Security alarms on an agent's computer: leads hear of each once, and a search lists the tickets."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.alarms import NUMBER_LINE, VIOLATION_LINE
from app.domain.assist import EntryType
from app.domain.changes import SessionRecordAdd
from app.domain.ids import new_id
from app.domain.invitation import BAD_INVITATION_LINE
from app.domain.notices import NoticeKind
from app.domain.ports import ViewKey
from app.domain.signed import b64
from remote_assist.chain import ChainWriter
from sync.server.alarms import tell_bad_invitation
from sync.server.keys import ServerKeys
from sync.server.staff import Staff
from sync.server.tokens import Grant
from sync.session_protocol import BadInvitationReport
from tests.store.test_saving import invited_to
from tests.sync.desk import FAST, PASSWORD, Client, Desk


def _alarms(client: Client) -> list[tuple[bytes, str]]:
    """Tell all that waits, as the desktop would; return the alarms."""
    events = client.profile.notices.collect(loaded=True)
    client.profile.notices.settle(events)
    return [(event.ticket, event.text) for event in events if event.kind is NoticeKind.ALARM]


def _joins(desk: Desk, folder: Path, login: str, roles: list[str], teams: list[str]) -> Client:
    """Somebody new, who has looked once: what was there before is no news."""
    keys = ServerKeys.of(b"o" * 32, b"s" * 32)
    staff = Staff(desk.store, keys, random.randbytes, FAST.hash)
    staff.create_user(desk.clock(), login, login, PASSWORD, roles, teams)
    client = Client(desk, folder / login, login)
    client.sync()
    assert _alarms(client) == []
    return client


def _refused_at_the_customers(desk: Desk, ticket: bytes) -> None:
    """The customer's Companion tells of an invitation that it refused."""
    who = Grant("companion", desk.customer, bytes(16), desk.clock() + 10**9)
    ask = BadInvitationReport(id=new_id().hex(), at=desk.clock(), why="used", ticket=ticket.hex())
    assert tell_bad_invitation(desk.store, desk.clock(), who, ask).ticket == ticket


def _session(agent: Client, ticket: bytes, *alarms: tuple[EntryType, Mapping[str, Any]]) -> None:
    """A session whose record has these entries, all signed by the customer's end."""
    key, sid = Ed25519PrivateKey.generate(), new_id()
    public = key.public_key().public_bytes_raw()
    invited_to(agent, ticket, sid, public)
    chain = ChainWriter(key, sha256(b"{}").digest())
    now = agent.desk.clock()
    for type_, data in ((EntryType.JOINED, {"session_key": b64(public)}), *alarms):
        entry = chain.add(type_, "customer", now, data)
        agent.do(SessionRecordAdd(new_id(), ticket, sid, entry.n, entry.type.value, entry.text, entry.hash, entry.at))
    agent.sync()


def test_a_lead_hears_of_every_alarm_once_also_of_those_that_came_while_offline(
    desk: Desk, kim: Client, tmp_path: Path
) -> None:
    """Refused invitations, numbers that differ and broken rules; not numbers that are equal, and nothing twice."""
    lead = _joins(desk, tmp_path, "choi", ["agent", "lead"], ["북부"])
    ticket, quiet = kim.new_ticket(), kim.new_ticket()
    kim.sync()
    _session(kim, quiet, (EntryType.SAS, {"ok": True, "number": "12", "confirmed": "voice"}))
    _session(kim, ticket, (EntryType.SAS, {"ok": False}), (EntryType.VIOLATION, {"type": "inp", "count": 1}))
    _refused_at_the_customers(desk, ticket)
    assert _alarms(lead) == []  # its computer was away all the time
    lead.sync()
    lines = [BAD_INVITATION_LINE, NUMBER_LINE, VIOLATION_LINE]
    assert sorted(_alarms(lead)) == [(ticket, line) for line in lines]
    lead.restart_window()
    assert _alarms(lead) == []
    kim.sync()
    assert _alarms(kim) == []  # no lead
    lead.close()


def test_an_alarm_is_told_to_leads_of_the_tickets_team_and_to_administrators(
    desk: Desk, kim: Client, tmp_path: Path
) -> None:
    """A lead of another team is left alone, whatever its computer holds."""
    people = [
        _joins(desk, tmp_path, "own", ["lead"], ["북부"]),
        _joins(desk, tmp_path, "others", ["agent", "lead"], ["남부"]),
        _joins(desk, tmp_path, "boss", ["admin"], ["all"]),
    ]
    ticket = kim.new_ticket(team=desk.team("북부"))
    kim.sync()
    _refused_at_the_customers(desk, ticket)
    told = []
    for who in people:
        who.sync()
        told.append([t for t, _line in _alarms(who)])
        who.close()
    assert told == [[ticket], [], [ticket]]


def test_a_search_lists_the_tickets_with_alarms_in_both_languages(desk: Desk, kim: Client) -> None:
    """Before and after what this computer wrote itself has reached the server."""
    alarmed, checked, plain = kim.new_ticket(), kim.new_ticket(), kim.new_ticket()
    kim.sync()
    _session(kim, checked, (EntryType.SAS, {"ok": True, "number": "12", "confirmed": "voice"}))
    _session(kim, alarmed, (EntryType.SAS, {"ok": False}))
    for text in ("is:alarm", "조건:보안경보"):
        assert set(kim.profile.queries.ids(ViewKey.ALL, text=text)) == {alarmed}
    assert set(kim.profile.queries.ids(ViewKey.ALL, text="-is:alarm")) == {checked, plain}
    _refused_at_the_customers(desk, plain)
    kim.sync()
    assert set(kim.profile.queries.ids(ViewKey.ALL, text="is:alarm")) == {alarmed, plain}
    assert {hit.row.id for hit in kim.profile.queries.search("is:alarm")} == {alarmed, plain}
