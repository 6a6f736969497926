# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts, bundles and files share a line: order, room, grants, and what a pause or a new connection does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.domain.assist import Role, Scope
from remote_assist import incoming
from remote_assist.bulk_sender import QUEUED, BulkSender
from remote_assist.channels import scope_of
from remote_assist.child_protocol import Fault, FromChild, Sent


class FakeLine:
    """A connection whose buffer is emptied by hand, `open_for` messages at a time."""

    def __init__(self, *, open_for: int = 1_000, bps: int = 0) -> None:
        self.clip_waits = False
        self.tiles_due = False
        self.picture_bps = bps
        self.open_for = open_for
        self.sent: list[tuple[str, bytes]] = []
        self.closed = False

    @property
    def bulk_free(self) -> bool:
        return len(self.sent) < self.open_for

    def send_bulk(self, channel: str, data: bytes) -> bool:
        if not self.closed:
            self.sent.append((channel, data))
        return not self.closed


class Bench:
    """A sender on its loop, with grants and pause to set."""

    def __init__(self, line: FakeLine) -> None:
        self.line = line
        self.granted = set(QUEUED)
        self.paused = False
        self.posted: list[FromChild] = []
        self.now_s = 100.0
        self.sender = BulkSender(
            lambda name: name in self.granted, lambda: self.paused, self.posted.append, lambda: self.now_s
        )
        self.sender.use(line)

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not done():
                await asyncio.sleep(0.001)


def run(line: FakeLine, story: Callable[[Bench], Awaitable[None]]) -> Bench:
    async def whole() -> Bench:
        bench = Bench(line)
        await story(bench)
        bench.sender.close()
        return bench

    return asyncio.run(whole())


def test_a_text_overtakes_a_bundle_and_a_bundle_a_file() -> None:
    """Order among bulk: text, tiles, bundle, file; each message that left is told."""
    line = FakeLine(open_for=0)

    async def story(bench: Bench) -> None:
        for channel in ("file", "diag", "clip", "file"):
            bench.sender.put(channel, channel.encode())
        assert line.clip_waits
        line.tiles_due = True
        line.open_for = 1_000
        await bench.until(lambda: len(line.sent) == 1)
        assert not bench.line.clip_waits
        line.tiles_due = False
        await bench.until(lambda: len(line.sent) == 4)

    bench = run(line, story)
    assert [channel for channel, _ in line.sent] == ["clip", "diag", "file", "file"]
    assert bench.posted == [Sent("clip"), Sent("diag"), Sent("file"), Sent("file")]


def test_what_is_not_granted_when_its_turn_comes_does_not_leave() -> None:
    """A grant that falls takes what waits along, and the window hears of it once."""
    line = FakeLine(open_for=0)

    async def story(bench: Bench) -> None:
        bench.sender.put("clip", b"one")
        bench.sender.put("clip", b"two")
        bench.granted.clear()
        line.open_for = 1_000
        await bench.until(lambda: bool(bench.posted))
        bench.sender.put("file", b"x")

    bench = run(line, story)
    assert line.sent == []
    assert bench.posted == [Fault("not_sent", "clip"), Fault("not_sent", "file")]


def test_a_pause_holds_and_another_connection_drops() -> None:
    """Parts of one text never arrive by two connections."""
    line, other = FakeLine(), FakeLine()

    async def story(bench: Bench) -> None:
        bench.paused = True
        bench.sender.put("clip", b"x")
        await asyncio.sleep(0)
        assert line.sent == []
        bench.sender.use(other)
        bench.paused = False
        bench.sender.put("clip", b"y")
        await bench.until(lambda: bool(other.sent))

    bench = run(line, story)
    assert (line.sent, other.sent) == ([], [("clip", b"y")])
    assert bench.posted == [Fault("not_sent", "clip"), Sent("clip")]


def test_too_much_at_once_is_refused_and_a_closed_channel_is_told() -> None:
    """A window that does not wait for `Sent` fills no memory."""
    line = FakeLine(open_for=0)

    async def story(bench: Bench) -> None:
        for _ in range(QUEUED["file"] + 1):
            bench.sender.put("file", b"x")
        bench.sender.put("diag", bytes(16 * 1024 + 1))
        assert bench.posted == [Fault("not_sent", "file"), Fault("not_sent", "diag")]
        line.closed, line.open_for = True, 1_000
        await bench.until(lambda: len(bench.posted) == 3)

    bench = run(line, story)
    assert bench.posted[2] == Fault("not_sent", "file")


def test_files_leave_most_of_the_rate_to_the_picture() -> None:
    """At 20 Mbit/s a quarter is a message each 26 ms; a text does not wait for it."""
    line = FakeLine(bps=20_000_000)

    async def story(bench: Bench) -> None:
        bench.sender.put("file", b"1")
        bench.sender.put("file", b"2")
        await bench.until(lambda: len(line.sent) == 1)
        bench.now_s += 0.02
        bench.sender.put("clip", b"x")
        await bench.until(lambda: len(line.sent) == 2)
        bench.now_s += 0.01
        await bench.until(lambda: len(line.sent) == 3)

    run(line, story)
    assert line.sent == [("file", b"1"), ("clip", b"x"), ("file", b"2")]


@pytest.mark.parametrize(
    ("channel", "sender", "scope"),
    [
        ("clip", Role.AGENT, Scope.CLIPBOARD_TO_CUSTOMER),
        ("clip", Role.CUSTOMER, Scope.CLIPBOARD_TO_AGENT),
        ("file", Role.AGENT, Scope.FILES_TO_CUSTOMER),
        ("file", Role.CUSTOMER, Scope.FILES_TO_AGENT),
        ("diag", Role.CUSTOMER, Scope.DIAGNOSTICS),
        ("ctl", Role.AGENT, None),
    ],
)
def test_who_sends_decides_which_grant_it_takes(channel: str, sender: Role, scope: Scope | None) -> None:
    """A grant of one direction opens nothing in the other."""
    assert scope_of(channel, sender) is scope


@pytest.mark.parametrize("granted", [set(), {"clipboard.to_agent", "files.to_agent", "view"}])
@pytest.mark.parametrize("channel", ["clip", "file"])
def test_the_first_sieve_refuses_the_agents_pieces_without_the_grant_of_its_direction(
    channel: str, granted: set[str]
) -> None:
    """However well formed they are."""
    raw = b"\x70\x00\x00\x00\x01x" if channel == "clip" else b"\x60" + bytes(12) + b"x"
    with pytest.raises(incoming.NotGranted, match=f"^{channel}$"):
        incoming.read(channel, raw, sender=Role.AGENT, scopes=frozenset(granted), paused=False)


def test_chat_that_floods_is_refused() -> None:
    """Two a second, and what was held up on the way at once."""
    rates = incoming.Rates()
    raw = b'{"t":"chat","n":1,"text":"x"}'

    def say() -> None:
        incoming.read("ctl", raw, sender=Role.AGENT, scopes=frozenset(), paused=True, rates=rates, now_ms=0)

    for _ in range(60):
        say()
    with pytest.raises(incoming.NotGranted, match="ctl rate"):
        say()
