# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments against the real server: sent in parts, fetched in parts, sealed on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.errors import ServerUnreachable, StoreUnavailable, WrongServer
from app.store.blobs import BLOCK_BYTES, SealedBlob, blob_key
from sync import blobs
from sync.protocol import Login
from sync.transport import Answered, Transport
from tests.sync.causal_line import Line as CutLine
from tests.sync.processes import PASSWORD, ServerProcess

KEY = blob_key(bytes(range(32)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


class _Tokens:
    def __init__(self) -> None:
        self.token: str | None = None

    def load(self) -> str | None:
        return self.token

    def save(self, refresh: str | None) -> None:
        self.token = refresh


def _content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _file(folder: Path, content: bytes, *, here: bool) -> SealedBlob:
    file = SealedBlob(folder, KEY, hashlib.sha256(content).digest(), len(content))
    if here:
        file.append(content)
    return file


async def _signed_in(server: ServerProcess, url: str = "") -> Transport:
    transport = Transport(url or server.url, _Tokens(), time.monotonic)
    await transport.login(Login(login="agent1", password=PASSWORD, device_name="t"))
    return transport


@pytest.mark.parametrize("size", [1, BLOCK_BYTES, 3 * BLOCK_BYTES + 17])
def test_an_attachment_is_sealed_on_the_disk_and_reads_back(tmp_path: Path, size: int) -> None:
    """In pieces of any size; the disk shows nothing of it, and a changed byte is noticed."""
    content = _content(size)
    file = _file(tmp_path, content, here=False)
    for start in range(0, size, 50_000):
        file.append(content[start : start + 50_000])
    assert (file.have(), file.read(0, size)) == (size, content)
    assert file.read(size // 2, 10) == content[size // 2 : size // 2 + 10]
    assert blobs.is_whole(file)
    path = next(tmp_path.iterdir())
    raw = bytearray(path.read_bytes())
    assert content[:16] not in raw or size < 16
    raw[20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StoreUnavailable):
        file.read(0, 1)


def test_a_download_that_was_killed_goes_on_at_a_whole_block(tmp_path: Path) -> None:
    """What was not sealed yet is asked for again."""
    content = _content(5 * BLOCK_BYTES + 5)
    _file(tmp_path, content, here=False).append(content[: 2 * BLOCK_BYTES + 100])
    again = _file(tmp_path, content, here=False)
    assert again.have() == 2 * BLOCK_BYTES
    again.append(content[again.have() :])
    assert blobs.is_whole(again)


def test_attachments_reach_the_server_in_parts_and_come_back(
    server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small one at once, a large one in parts after a break; a second upload sends nothing."""
    monkeypatch.setattr(blobs, "PART_BYTES", 700_000)

    async def run() -> None:
        transport = await _signed_in(server)
        try:
            for size in (1000, 3_000_000):
                content = _content(size)
                file = _file(tmp_path / "out", content, here=True)
                if size > blobs.SMALL_BYTES:
                    part = content[:700_000]
                    path = f"/blob/{file.sha256.hex()}"
                    async with transport.stream(
                        "PATCH", path, headers=blobs._part_headers(file, 0, part), content=part
                    ):
                        pass
                await blobs.upload(transport, file)
                await blobs.upload(transport, file)
                assert _state(server, file.sha256) == ("complete", size)
        finally:
            await transport.close()

    asyncio.run(run())


def test_an_attachment_gets_through_a_line_that_breaks_after_every_few_hundred_kilobytes(
    server: ServerProcess, tmp_path: Path
) -> None:
    """Parts become smaller until they pass, instead of the same four megabytes being sent in vain for ever."""
    line = CutLine(server.port)

    async def run() -> None:
        transport = await _signed_in(server, line.url)
        line.most_up, parts, tries = 300_000, blobs.Parts(), 0
        line.cut()
        try:
            for size in (900_000, 2_500_000):
                file = _file(tmp_path / "out", _content(size), here=True)
                sent = False
                while not sent:
                    tries += 1
                    assert tries < 60
                    with contextlib.suppress(ServerUnreachable):
                        await blobs.upload(transport, file, parts)
                        sent = True
                assert _state(server, file.sha256) == ("complete", size)
        finally:
            await transport.close()

    try:
        asyncio.run(run())
    finally:
        line.stop()


def test_an_attachment_of_nobody_is_gone_and_one_that_is_not_itself_is_thrown_away(
    server: ServerProcess, tmp_path: Path
) -> None:
    """The server does not say whether others have it; content that does not match its name is not kept."""

    async def run() -> None:
        transport = await _signed_in(server)
        try:
            with pytest.raises(Answered) as caught:
                await blobs.download(transport, _file(tmp_path, b"nobody's", here=False))
            assert blobs.is_gone(caught.value)
            wrong = SealedBlob(tmp_path, KEY, b"w" * 32, 5)
            wrong.append(b"other")
            with pytest.raises(WrongServer):
                await blobs.download(transport, wrong)
            assert wrong.have() == 0
        finally:
            await transport.close()

    asyncio.run(run())


def _state(server: ServerProcess, sha256: bytes) -> tuple[str, int]:
    with contextlib.closing(sqlite3.connect(server.folder / "server.db", timeout=10)) as db:
        found = db.execute("SELECT state, have FROM blob WHERE sha256 = ?", (sha256,)).fetchone()
    return str(found[0]), int(found[1])
