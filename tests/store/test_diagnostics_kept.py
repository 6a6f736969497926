# SPDX-License-Identifier: GPL-3.0-or-later
"""Diagnostics on the way to their ticket: a note with the customer's own bytes, and what changed since last time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from app.desktop.jobs import QtJobs
from app.domain.changes import AnyChange
from app.domain.errors import Refused
from app.domain.facts import FactsReport
from app.domain.ids import CustomerId, TicketId
from app.domain.ports import ItemKind, SyncLink, ThreadItem
from app.entry.agent_diagnostics import MEDIA_TYPE, DiagnosticsKeeper
from remote_assist.actions import DiagnosticsArrived
from remote_assist.diagnostics import Draft, Item, Section, State, Value, fitted
from tests.fakes.link import FakeLink
from tests.sync.desk import Client

HTML = "<b>bold</b>"


class DirectJobs:
    """Does everything at once."""

    def query(
        self, work: Callable[[], Any], then: Callable[[Any], object], error: object = None, key: str = ""
    ) -> None:
        """Do it."""
        self.change(work, then, error)

    def change(self, work: Callable[[], Any], then: Callable[[Any], object], error: Any = None) -> None:
        """Do it."""
        try:
            found = work()
        except Exception as why:  # noqa: BLE001 - as the real ones
            error(why)
        else:
            then(found)


class Keeping:
    """One agent's keeper with what it showed."""

    def __init__(self, kim: Client) -> None:
        self.kim, self.link = kim, FakeLink()
        self.shown: list[FactsReport] = []
        profile = kim.profile
        jobs, link = cast("QtJobs", DirectJobs()), cast("SyncLink", self.link)
        self.keeper = DiagnosticsKeeper(profile.queries, profile.blobs, link, jobs, self.record)

    def record(self, change: AnyChange) -> None:
        """Save a change."""
        self.kim.profile.commits.commit(change)

    def take(self, ticket: TicketId, came: DiagnosticsArrived) -> FactsReport:
        """A bundle came in a session of this ticket."""
        self.keeper.arrived(ticket, customer_of(self.kim, ticket), came, self.shown.append)
        return self.shown[-1]


def came(disk: Mapping[str, Value], made: str = "2026-11-22T23:00:00Z", device: str = "0badcafe") -> DiagnosticsArrived:
    """What the agent's end hands over."""
    items = (Item("disk.type:/", HTML), *(Item(key, value) for key, value in disk.items()))
    bundle = fitted(made, "linux", (Section("disks", State.OK, items), Section("log", State.ABSENT)))
    confirmed = Draft(bundle).confirm(Draft(bundle).payload)
    return DiagnosticsArrived(Draft(bundle).bundle, confirmed.payload, confirmed.sha256, device)


def customer_of(kim: Client, ticket: TicketId) -> CustomerId:
    details = kim.profile.queries.details(ticket)
    assert details is not None
    assert details.customer is not None
    return details.customer.id


def notes(kim: Client, ticket: TicketId) -> list[ThreadItem]:
    details = kim.profile.queries.details(ticket)
    assert details is not None
    return [item for item in details.items if item.kind is ItemKind.NOTE]


def test_the_bytes_that_the_customer_saw_hang_on_a_note_also_offline(kim: Client) -> None:
    """Their hash is the one in the session's record; they wait for the server like any other file."""
    keeping, ticket, new = Keeping(kim), kim.new_ticket(), came({"disk.free_gb:/": 1})
    report = keeping.take(ticket, new)
    (note,) = notes(kim, ticket)
    (file,) = note.attachments
    assert file.sha256 == new.sha256 == hashlib.sha256(new.payload).digest()
    assert (file.filename, file.media_type) == ("diagnostics-20261122T230000Z-0badcafe.json", MEDIA_TYPE)
    assert kim.profile.blobs.content(file, 1 << 21) == new.payload
    assert "no earlier bundle" in note.body
    assert (report.since, report.changes, report.problem) == (None, (), "")
    assert report.facts.exact.encode() == new.payload
    assert report.facts.sections[0].lines[0].value == HTML
    assert keeping.link.added == 1
    kim.sync()
    assert [each.attachments for each in notes(kim, ticket)] == [note.attachments]


def test_the_ticket_says_what_changed_since_the_last_time(kim: Client) -> None:
    """Compared with the newest one of the same computer; a number that moved a little is none; twenty are listed."""
    keeping, first = Keeping(kim), kim.new_ticket()
    keeping.take(first, came({"disk.free_gb:/": 61.7, "disk.total_gb:/": 468}, "2026-10-02T01:00:00Z"))
    keeping.take(first, came({"disk.free_gb:/": 5}, "2026-10-03T01:00:00Z", device="00000001"))
    report = keeping.take(first, came({"disk.free_gb:/": 1.2, "disk.total_gb:/": 468}, "2026-11-23T05:42:00Z"))
    assert report.since is not None
    assert report.since.startswith("2026-10-02")
    assert report.changes == ("Free on / (GB): 61.7, now 1.2",)
    assert "- Free on / (GB): 61.7, now 1.2" in notes(kim, first)[-1].body
    again = keeping.take(first, came({"disk.free_gb:/": 1.2, "disk.total_gb:/": 468}, "2026-11-23T06:00:00Z"))
    assert (again.changes, "Nothing changed" in notes(kim, first)[-1].body) == ((), True)
    many: dict[str, Value] = {f"software:{number}": "1.0" for number in range(30)}
    assert len(keeping.take(first, came(many)).changes) == 32
    body = notes(kim, first)[-1].body
    assert body.count("\n- ") == 20
    assert body.endswith("and 12 more changes")


def test_a_bundle_that_lies_on_the_server_only_is_fetched_before_and_its_lack_is_said(
    kim: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague took the last one: it is asked for when diagnostics are asked for."""
    keeping, ticket = Keeping(kim), kim.new_ticket()
    keeping.take(ticket, came({"disk.free_gb:/": 1}, "2026-10-02T01:00:00Z"))
    (file,) = notes(kim, ticket)[0].attachments
    kim.profile.blobs._folder.remove(file.sha256)
    keeping.keeper.prefetch(customer_of(kim, ticket))
    assert [each[0] for each in keeping.link.fetched] == [file]
    report = keeping.take(ticket, came({"disk.free_gb:/": 2}))
    assert "not on this computer" in report.problem
    assert len(notes(kim, ticket)) == 2

    def full(*_args: object) -> None:
        raise Refused("error")

    monkeypatch.setattr(kim.profile.blobs, "add_content", full)
    report = keeping.take(ticket, came({"disk.free_gb:/": 3}))
    assert "could not be kept" in report.problem
    assert report.facts.sections
    assert len(notes(kim, ticket)) == 2
