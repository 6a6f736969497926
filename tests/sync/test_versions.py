# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients and servers of different versions: the one ignores what it does not know, the other fills in what is missing.

`Era` stands on the wire between a real client and a real server and turns every message into what the other version
would have sent or understood: fields, columns, kinds of rows and versions of mutations more, or fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain import changes
from app.domain.changes import NoteAdd
from app.domain.entities import CONTACT_ADDRESS, NOTE, TICKET, team_scope
from app.domain.ids import new_id
from app.domain.replica import Applied
from sync.engine import Request
from sync.protocol import (
    Exits,
    Hello,
    HelloAnswer,
    Mark,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Rows,
    ScopeSum,
    Sums,
    add_sum,
    decode,
    decode_args,
    encode,
    row_hash,
)
from sync.server import hello as hello_module
from sync.server import lifting
from tests.sync.desk import Client, Desk

NOVEL = 99  # an entity of the next version


def passed(message: Any, kind: Any, **more: Any) -> Any:
    """Send a message over the wire with fields that only the sender knows."""
    return decode(encode({**msgspec.msgpack.decode(encode(message)), **more}), kind)


class NewerServer(Client):
    """A computer of today at a server of tomorrow: more fields, a column more, and rows of a kind unknown here."""

    novel: dict[bytes, int]
    leaving: list[tuple[int, bytes]]

    def _exchange(self, request: Request) -> Applied | None:
        core, now = self.desk.parts.core, self.desk.clock()
        if isinstance(request, Hello):
            told = core.hello(now, self.grant, request)
            plain = msgspec.msgpack.decode(encode(told))
            scopes = [{**scope, "colour": "green"} for scope in plain["scopes"]]
            limits = {**plain["limits"], "bursts": 3}
            more = {"scopes": scopes, "limits": limits, "schema": {"min": 1, "cur": 9}, "motto": ["x"]}
            return self.core.on_hello(passed(told, HelloAnswer, **more), now)
        if isinstance(request, Push):
            self.core.on_push(passed(core.push(now, self.grant, request), PushAnswer, mood="fine"))
            return None
        assert isinstance(request, Pull)
        for frame in list(core.pull(now, self.grant, request)):
            for sent in self._of_tomorrow(frame):
                self.core.on_frame(passed(sent, PullFrame, since="tomorrow"))
        return self.core.on_pull_end(now)

    def _of_tomorrow(self, frame: PullFrame) -> Iterator[PullFrame]:
        scope = team_scope(self.desk.team("북부"))
        if isinstance(frame, Rows) and frame.type == TICKET.number:
            rows = [[*row, "sunny"] for row in frame.rows]
            yield Rows(scope=frame.scope, type=frame.type, cols=[*frame.cols, "weather"], rows=rows)
        elif isinstance(frame, Mark) and frame.scope == scope:
            rows = [[id_, seq, False, 1, {}, "what"] for id_, seq in self.novel.items()]
            yield Rows(scope=scope, type=NOVEL, cols=["what"], rows=rows)
            if self.leaving:
                yield Exits(scope=scope, items=[(seq, NOVEL, id_, None) for seq, id_ in self.leaving])
            yield frame
        elif isinstance(frame, Sums) and scope in frame.scopes:
            total = frame.scopes[scope]
            n, xsum = total.n + len(self.novel), total.xsum
            for id_, seq in self.novel.items():
                xsum = add_sum(xsum, row_hash(NOVEL, id_, seq))
            yield Sums(scopes={**frame.scopes, scope: ScopeSum(n=n, xsum=xsum)})
        else:
            yield frame


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "server")
    yield made
    made.close()


def test_a_client_works_on_with_a_newer_server_and_loads_nothing_twice(desk: Desk, tmp_path: Path) -> None:
    """Unknown fields and columns are passed over; unknown rows come, change and go, and the sums stay right."""
    lee = Client(desk, tmp_path / "lee", "lee")
    assert lee.sync()
    ticket = lee.new_ticket("from a colleague")
    assert lee.sync()
    kim = NewerServer(desk, tmp_path / "kim", "kim")
    one, two = new_id(), new_id()
    kim.novel, kim.leaving = {one: 1, two: 1}, []
    kim.novel[two] = 2
    assert kim.sync()
    kim.note(ticket, "written on the older one")
    kim.set(ticket, priority=4)
    for novel, leaving in (({one: 1, two: 3}, []), ({one: 1}, [(4, two)]), ({}, [(5, one)])):
        kim.novel, kim.leaving = dict(novel), list(leaving)
        lee.note(ticket, "news")
        assert lee.sync()
        assert kim.sync()
        assert all(s.state == "live" for s in kim.replica.state().scopes.values())
    assert kim.profile.numbers().waiting == 0
    assert lee.sync()
    assert lee.bodies(ticket).count("written on the older one") == 1
    assert kim.bodies(ticket).count("news") == 3
    for client in (kim, lee):
        client.close()


class OlderServer(Client):
    """A computer of today at a server of yesterday: a column and optional fields fewer."""

    def _exchange(self, request: Request) -> Applied | None:
        core, now = self.desk.parts.core, self.desk.clock()
        if isinstance(request, Hello):
            plain = msgspec.msgpack.decode(encode(request))
            asked = decode(encode({**plain, "proto": [1, 2], "schema": 9, "tomorrow": True}), Hello)
            told = msgspec.msgpack.decode(encode(core.hello(now, self.grant, asked)))
            told["limits"] = {}
            return self.core.on_hello(decode(encode(told), HelloAnswer), now)
        if isinstance(request, Push):
            self.core.on_push(core.push(now, self.grant, request))
            return None
        assert isinstance(request, Pull)
        for frame in list(core.pull(now, self.grant, request)):
            if isinstance(frame, Rows) and frame.type == CONTACT_ADDRESS.number:
                continue
            if isinstance(frame, Rows) and frame.type == NOTE.number:
                cut = len(frame.rows[0]) - 1
                frame = Rows(
                    scope=frame.scope, type=frame.type, cols=frame.cols[:-1], rows=[r[:cut] for r in frame.rows]
                )
            self.core.on_frame(frame)
        return self.core.on_pull_end(now)


def test_a_client_works_with_an_older_server_and_fills_in_what_is_missing(desk: Desk, tmp_path: Path) -> None:
    """It offers both versions of the protocol and takes the one that the server speaks."""
    lee = Client(desk, tmp_path / "lee", "lee")
    assert lee.sync()
    ticket = lee.new_ticket()
    lee.note(ticket, "a note without its last column")
    assert lee.sync()
    kim = OlderServer(desk, tmp_path / "kim", "kim")
    assert kim.sync()
    assert "a note without its last column" in kim.bodies(ticket)
    kim.reply(ticket, "from the newer one")
    assert kim.sync()
    assert lee.sync()
    assert "from the newer one" in lee.bodies(ticket)
    for client in (kim, lee):
        client.close()


def test_mutations_of_an_older_client_are_lifted_and_known_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a server with `note.add` in its second version; sent again after a lost answer, it is no other mutation."""

    def of_tomorrow(name: str, v: int, raw: bytes) -> changes.AnyChange:
        if name == "note.add":
            v = {2: 1}.get(v, 0)
        return decode_args(name, v, raw)

    def lift(args: dict[str, Any]) -> dict[str, Any]:
        return {**args, "body": f"{args['body']} (plain)"}

    monkeypatch.setattr(lifting, "CHANGES", {**changes.CHANGES, "note.add": (2, NoteAdd)})
    monkeypatch.setattr(lifting, "decode_args", of_tomorrow)
    kim, lee = Client(desk, tmp_path / "kim", "kim"), Client(desk, tmp_path / "lee", "lee")
    assert kim.sync()
    ticket = kim.new_ticket()
    monkeypatch.setitem(lifting.LIFTS, ("note.add", 1), lift)
    kim.note(ticket, "of the first version")
    lost = [True]
    kim.line.lose = lambda request: bool(lost and isinstance(request, Push) and lost.pop())
    assert not kim.sync()
    kim.reply(ticket, "and more")
    assert kim.sync()
    monkeypatch.delitem(lifting.LIFTS, ("note.add", 1))
    kim.note(ticket, "older than is served")
    kim.reply(ticket, "the rest goes on")
    assert kim.sync()
    assert lee.sync()
    assert kim.profile.numbers().waiting == 0
    for client in (kim, lee):
        words = client.bodies(ticket)
        assert [words.count(w) for w in ("of the first version (plain)", "and more", "the rest goes on")] == [1, 1, 1]
        assert not any("older than is served" in word for word in words)
    assert kim.profile.numbers().needs_you == 1  # refused, and kept for the person
    for client in (kim, lee):
        client.close()


def test_a_program_below_the_least_version_works_on_and_sends_after_its_update(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """426: nothing is sent or lost; the updated program brings everything."""
    kim, lee = Client(desk, tmp_path / "kim", "kim"), Client(desk, tmp_path / "lee", "lee")
    assert kim.sync()
    assert lee.sync()
    ticket = kim.new_ticket()
    assert kim.sync()
    with monkeypatch.context() as patch:
        patch.setattr(hello_module, "MIN_SCHEMA", 1000)
        kim.restart_worker()
        kim.note(ticket, "written while too old")
        seen: list[str] = []
        real = kim.core.on_problem

        def note(status: int, problem: Any, retry_s: Any) -> Any:
            verdict = real(status, problem, retry_s)
            seen.append(f"{status} {problem.code} {verdict.kind if hasattr(verdict, 'kind') else verdict}")
            raise StopIteration

        patch.setattr(kim.core, "on_problem", note)
        with pytest.raises(StopIteration):
            kim.sync()
        assert seen[0].startswith("426 schema")
        assert "written while too old" in kim.bodies(ticket)
        assert kim.profile.numbers().waiting == 1
    kim.restart_worker()
    assert kim.sync()
    assert lee.sync()
    assert "written while too old" in lee.bodies(ticket)
    for client in (kim, lee):
        client.close()
