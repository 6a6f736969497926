# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's mover of attachments against a server that does everything a server can do wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest

from app.domain import link
from app.domain.attachments import Attachment, BlobState
from app.domain.changes import NoteAdd
from app.domain.entities import NOTE
from app.domain.errors import ServerUnreachable
from app.domain.ids import new_id
from app.entry.sync_worker_blobs import BlobMover, Limits, Line
from app.store import blobs as blobs_module
from app.store.pending_file import open_reader
from sync.protocol import Problem
from sync.transport import FROM_PROXY, Answered
from tests.sync.desk import KEY, Client, Desk

CONTENT = random.Random(3).randbytes(300_000)
FILE = Attachment(hashlib.sha256(CONTENT).digest(), "a.bin", "", len(CONTENT))


class Answer:
    """An httpx response as far as sync.blobs looks at it."""

    def __init__(self, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.status_code = status
        self.headers = dict(headers or {})
        self._body = body

    async def aiter_raw(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 50_000):
            yield self._body[start : start + 50_000]


class Server:
    """Answers with what a test puts into `script`, then as it should. Everything asked is kept."""

    def __init__(self) -> None:
        self.there: dict[str, bytes] = {}
        self.script: list[Callable[[str, str, Mapping[str, str]], Answer]] = []
        self.asked: list[str] = []
        self.sent = 0

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AsyncIterator[Answer]:
        """As Transport's."""
        self.asked.append(method)
        name = path.rsplit("/", 1)[1]
        if self.script:
            yield self.script.pop(0)(method, name, headers or {})
            return
        yield self._right(method, name, headers or {}, content)

    def _right(self, method: str, name: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        if method == "PUT":
            self.there[name] = content or b""
            self.sent += len(content or b"")
            return Answer(204)
        if name not in self.there:
            raise Answered(404, Problem(code="not_found"))
        body = self.there[name]
        if method == "HEAD":
            return Answer(200, {"upload-offset": str(len(body)), "upload-complete": "?1"})
        start = int(headers.get("range", "bytes=0-")[6:-1])
        return Answer(206 if start else 200, {}, body[start:])


def refuse(status: int, code: str, detail: str = "") -> Callable[[str, str, Mapping[str, str]], Answer]:
    """An answer that says no."""

    def answer(_method: str, _name: str, _headers: Mapping[str, str]) -> Answer:
        raise Answered(status, Problem(code=code, detail=detail))

    return answer


def gone(_method: str, _name: str, _headers: Mapping[str, str]) -> Answer:
    """No answer at all."""
    raise ServerUnreachable(detail="cut")


class Bench:
    """A profile and a mover on it, with time that runs a thousand times as fast."""

    def __init__(self, client: Client, limits: Limits | None = None) -> None:
        self.client = client
        self.blobs = client.profile.blobs
        self.server = Server()
        self.online = True
        self.told: list[link.BlobMoved] = []
        self._news = asyncio.Event()
        self._pending = open_reader(client.folder, KEY)
        line = Line(self._transport, lambda: b"e" * 16, lambda: client.me, lambda: True)
        rng = random.Random(1)
        self.mover = BlobMover(client.folder, KEY, self._pending, line, self._tell, rng, limits, pace=0.001)

    def _transport(self) -> Any:
        return self.server if self.online else None

    def _tell(self, message: link.WorkerToUi) -> None:
        if isinstance(message, link.BlobMoved):
            self.told.append(message)
        self._news.set()

    def run_until(self, done: Callable[[], bool]) -> None:
        """Let it move until something is so."""

        async def run() -> None:
            self._news = asyncio.Event()
            task = asyncio.create_task(self.mover.run())
            try:
                async with asyncio.timeout(20):
                    while not done():
                        self._news.clear()
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(self._news.wait(), 0.02)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(run())

    def state(self, attachment: Attachment = FILE) -> BlobState:
        """As a window sees it."""
        return self.blobs.statuses([attachment])[attachment.sha256].state

    def code(self, attachment: Attachment = FILE) -> str:
        """Why it failed."""
        return self.blobs.statuses([attachment])[attachment.sha256].code

    def ask(self, attachment: Attachment = FILE) -> None:
        """A person presses the chip."""
        ask = link.FetchBlob(sha256=attachment.sha256, size=attachment.size_bytes, type=NOTE.number, id=b"n" * 16)
        asyncio.run(self.mover.fetch(ask))

    def close(self) -> None:
        """Close the files."""
        self.mover.close()
        self._pending.close()


@pytest.fixture
def bench(kim: Client) -> Iterator[Bench]:
    made = Bench(kim)
    yield made
    made.close()


def test_an_upload_outlives_every_passing_trouble_and_is_sent_once(bench: Bench) -> None:
    """No answer, 503, an expired token, a damaged part, another offset: again, with pauses, never given up."""
    bench.blobs.add_content(CONTENT, "a.bin", "")
    bench.server.script = [
        gone, refuse(503, "busy"), refuse(500, "error"), refuse(401, "token"), refuse(400, "digest"),
        refuse(409, "offset"), refuse(429, "busy"), refuse(413, "quota"), refuse(400, "hash"),
    ]  # fmt: skip
    bench.run_until(lambda: bench.state() is BlobState.HERE)
    assert bench.server.sent == len(CONTENT)
    asked = len(bench.server.asked)
    bench.run_until(lambda: not bench.mover.has_uploads)
    assert len(bench.server.asked) == asked


def test_what_the_server_has_is_not_sent_again(bench: Bench) -> None:
    """It is asked first, also when this computer forgot that it had sent it."""
    bench.server.there[FILE.sha256.hex()] = CONTENT
    bench.blobs.add_content(CONTENT, "a.bin", "")
    bench.run_until(lambda: bench.state() is BlobState.HERE)
    assert bench.server.asked == ["HEAD"]


def test_what_can_never_be_sent_says_why_and_does_not_hold_up_the_rest(bench: Bench) -> None:
    """Too large for this server; a file that is damaged here."""
    big = bench.blobs.add_content(b"big", "big", "")
    broken = bench.blobs.add_content(b"broken", "broken", "")
    path = bench.client.folder / "blobs" / broken.sha256.hex()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    bench.blobs.add_content(CONTENT, "a.bin", "")
    bench.server.script = [refuse(413, "too_large")]
    bench.run_until(lambda: bench.state() is BlobState.HERE and bool(bench.code(broken)))
    assert (bench.state(big), bench.code(big)) == (BlobState.FAILED, "too_large")
    assert (bench.state(broken), bench.code(broken)) == (BlobState.FAILED, "file_damaged")
    assert not bench.mover.has_uploads or bench.state() is BlobState.HERE


def test_what_a_proxy_refuses_is_said_and_sent_once_the_proxy_lets_it_through(bench: Bench) -> None:
    """Not the server's word: the file is not given up, and a person can see what keeps it."""
    bench.blobs.add_content(CONTENT, "a.bin", "")
    bench.server.script = [refuse(413, "too_large", FROM_PROXY)] * 2
    bench.run_until(lambda: bench.state() is BlobState.HERE)
    assert [m.code for m in bench.told if m.code] == ["proxy", "proxy"]


def test_a_download_goes_on_where_half_a_body_ended(bench: Bench) -> None:
    """What is whole blocks is kept; only the rest is asked for."""
    bench.server.there[FILE.sha256.hex()] = CONTENT
    ranges: list[str] = []

    def half(_method: str, _name: str, headers: Mapping[str, str]) -> Answer:
        ranges.append(headers["range"])
        return Answer(200, {}, CONTENT[:150_000])

    def rest(_method: str, _name: str, headers: Mapping[str, str]) -> Answer:
        ranges.append(headers["range"])
        return Answer(206, {}, CONTENT[int(headers["range"][6:-1]) :])

    bench.server.script = [half, gone, refuse(503, "busy"), rest]
    bench.ask()
    bench.run_until(lambda: bench.state() is BlobState.HERE)
    assert ranges == ["bytes=0-", f"bytes={2 * blobs_module.BLOCK_BYTES}-"]
    assert list((bench.client.folder / "blobs").glob("*.part")) == []


def test_a_line_that_breaks_again_and_again_makes_no_longer_pauses_while_something_comes(bench: Bench) -> None:
    """Otherwise a large file over a bad line takes hours: each break would make the next try wait twice as long."""
    content = random.Random(5).randbytes(700_000)
    large = Attachment(hashlib.sha256(content).digest(), "b.bin", "", len(content))
    bench.server.there[large.sha256.hex()] = content
    failures: list[int] = []

    def some(_method: str, _name: str, headers: Mapping[str, str]) -> Answer:
        failures.append(bench.mover._later.get(large.sha256, (0.0, 0))[1])
        start = int(headers["range"][6:-1])
        return Answer(206, {}, content[start : start + 80_000])

    bench.server.script = [some] * 9
    bench.ask(large)
    bench.run_until(lambda: bench.state(large) is BlobState.HERE)
    assert failures == [0, *[1] * 8]


def test_what_is_not_what_its_name_says_is_never_shown(bench: Bench) -> None:
    """Three times false is told; asked for again, it is tried again."""

    def false(_method: str, _name: str, _headers: Mapping[str, str]) -> Answer:
        return Answer(200, {}, bytes(len(CONTENT)))

    bench.server.script = [false] * 3
    bench.ask()
    bench.run_until(lambda: bench.code() == "file_damaged")
    assert bench.state() is BlobState.FAILED
    bench.server.there[FILE.sha256.hex()] = CONTENT
    bench.ask()
    bench.run_until(lambda: bench.state() is BlobState.HERE)


def test_what_its_sender_has_not_sent_is_said_so_and_comes_later(bench: Bench) -> None:
    """404 is no failure."""
    bench.ask()
    bench.run_until(lambda: bench.code() == "not_uploaded")
    assert bench.state() is BlobState.ABSENT
    bench.server.there[FILE.sha256.hex()] = CONTENT
    bench.run_until(lambda: bench.state() is BlobState.HERE)


def test_an_own_file_that_a_colleague_has_not_sent_either_waits_and_goes_out(bench: Bench) -> None:
    """The server lacked it when it was asked for; now it is ours to bring, and nothing has failed."""
    bench.ask()
    bench.run_until(lambda: bench.code() == "not_uploaded")
    bench.client.profile.blobs.add_content(CONTENT, "x.bin", "")
    assert (bench.state(), bench.code()) == (BlobState.WAITING, "")
    bench.run_until(lambda: bench.state() is BlobState.HERE)
    assert bench.server.there[FILE.sha256.hex()] == CONTENT


def test_a_full_disk_stops_downloads_before_the_databases_need_the_room(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said at the chip; when there is room again it comes."""
    from app.entry import sync_worker_blobs

    bench.server.there[FILE.sha256.hex()] = CONTENT
    with monkeypatch.context() as full:
        full.setattr(sync_worker_blobs, "_SPARE_BYTES", 1 << 62)
        bench.ask()
        bench.run_until(lambda: bench.code() == "disk_full")
        assert bench.server.asked == []
    bench.run_until(lambda: bench.state() is BlobState.HERE)


def test_offline_nothing_is_tried_and_the_person_is_told(bench: Bench) -> None:
    """Back online it goes by itself."""
    bench.online = False
    bench.server.there[FILE.sha256.hex()] = CONTENT
    bench.ask()
    assert [(m.state, m.code) for m in bench.told] == [("absent", "offline")]
    bench.online = True
    bench.run_until(lambda: bench.state() is BlobState.HERE)


def test_what_live_tickets_name_is_fetched_by_itself_up_to_the_room_for_it(kim: Client, desk: Desk) -> None:
    """Newest first; files of no room are left to a press."""
    bench = Bench(kim, Limits(kept=1 << 20, pinned=450_000, pinned_file=400_000))
    files = []
    for n, size in enumerate((300_000, 300_000, 100_000, 500_000)):
        content = random.Random(n + 10).randbytes(size)
        file = Attachment(hashlib.sha256(content).digest(), f"{n}.bin", "", size)
        bench.server.there[file.sha256.hex()] = content
        files.append(file)
        ticket = kim.new_ticket(f"ticket {n}")
        kim.do(NoteAdd(new_id(), new_id(), ticket, "n", attachments=(file,)))
    kim.sync()
    wanted = [files[2], files[1]]  # the newest is too large for one, the oldest finds no room
    bench.run_until(lambda: all(bench.state(f) is BlobState.HERE for f in wanted))
    assert [bench.state(f) for f in (files[0], files[3])] == [BlobState.ABSENT] * 2
    bench.close()


def test_room_is_made_by_what_was_not_used_for_longest_and_never_by_what_is_not_sent(kim: Client) -> None:
    """Pinned and unsent files stay, whatever the limit."""
    bench = Bench(kim, Limits(kept=250_000, pinned=0, pinned_file=0))
    own = bench.blobs.add_content(random.Random(1).randbytes(200_000), "own", "")
    ticket, files = kim.new_ticket(), []
    for n in range(4):
        content = random.Random(n + 20).randbytes(100_000)
        file = bench.blobs.add_content(content, f"{n}.bin", "")
        kim.do(NoteAdd(new_id(), new_id(), ticket, "n", attachments=(file,)))
        files.append(file)
    kim.sync()
    with kim.profile._writer.write() as tx:
        tx.run("DELETE FROM blob_new WHERE sha256 <> ?", (own.sha256,))
    for n, file in enumerate(files):
        os.utime(kim.folder / "blobs" / file.sha256.hex(), (1_000 + n, 1_000_000_000 + n))
    bench.blobs._folder.touch(files[0].sha256)
    removed = bench.mover.make_room({f.sha256 for f in files})
    assert {mark for mark, _ in removed} == {files[1].sha256, files[2].sha256}
    assert bench.state(own) is BlobState.WAITING
    bench.close()


def test_what_was_moving_stops_when_the_device_is_locked(bench: Bench) -> None:
    """And goes on from there when it is unlocked."""
    bench.server.there[FILE.sha256.hex()] = CONTENT
    begun, held = asyncio.Event(), asyncio.Event()

    class Slow(Answer):
        async def aiter_raw(self) -> AsyncIterator[bytes]:
            yield CONTENT[:140_000]
            begun.set()
            await held.wait()

    bench.server.script = [lambda _m, _n, _h: Slow(200)]
    bench.ask()

    async def run() -> None:
        task = asyncio.create_task(bench.mover.run())
        await asyncio.wait_for(begun.wait(), 30)
        bench.online = False
        await asyncio.wait_for(bench.mover.hold(), 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert bench.state() is BlobState.ABSENT
    bench.online = True
    bench.run_until(lambda: bench.state() is BlobState.HERE)
