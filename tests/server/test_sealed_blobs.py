# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers' screens and files on the server's disk look like noise at every moment, and come back whole."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.server.blobs import Blobs
from sync.server.sealed_blobs import HEAD_BYTES, BlobSeal
from tests.server.lent_app import client_of
from tests.server.test_blobs import CONTENT, SHA, get, look, send
from tests.server.world import World

HALF = len(CONTENT) // 2 + 5
PIECE = CONTENT[:23]


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """Where the world's server keeps attachments."""
    blobs = Blobs(world.store, tmp_path / "blobs", world.clock, world.keys.attachments)
    world.parts = replace(world.parts, blobs=blobs)
    world.client = client_of(world.parts)
    return tmp_path / "blobs"


def on_disk(folder: Path) -> bytes:
    """All files of the folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_file_lies_sealed_on_the_servers_disk_while_it_comes_and_afterwards(world: World, folder: Path) -> None:
    """Half of it, all of it: a disk without its key shows nothing; whoever may gets it from any place."""
    kim = world.agent("kim")
    assert send(kim, 0, CONTENT[:HALF]).status_code == 204
    assert len(on_disk(folder)) > HALF
    assert PIECE not in on_disk(folder)
    assert look(kim) == (200, str(HALF))
    assert send(kim, HALF, CONTENT[HALF:]).status_code == 204
    assert len(on_disk(folder)) >= len(CONTENT)
    assert PIECE not in on_disk(folder)
    assert get(kim).content == CONTENT
    for start, end in ((0, 15), (1, 16), (17, 4000), (len(CONTENT) - 3, len(CONTENT) - 1)):
        assert get(kim, Range=f"bytes={start}-{end}").content == CONTENT[start : end + 1]


def test_files_of_an_earlier_version_stay_readable_and_are_sealed_when_the_server_clears_up(
    world: World, folder: Path
) -> None:
    """Such a server left them plain; an upload that it left half begins again."""
    kim = world.agent("kim")
    assert send(kim, 0, CONTENT).status_code == 204
    blobs = world.parts.blobs
    assert blobs is not None
    blobs.path(SHA.digest()).write_bytes(CONTENT)
    assert get(kim).content == CONTENT
    with world.store.read() as connection:
        assert blobs.damaged(connection) == []
    blobs.clear()
    assert PIECE not in on_disk(folder)
    assert get(kim).content == CONTENT
    with world.store.read() as connection:
        assert blobs.damaged(connection) == []


def test_half_an_upload_of_an_earlier_version_begins_again(world: World, folder: Path) -> None:
    """Its bytes are not taken for sealed ones."""
    kim = world.agent("kim")
    assert send(kim, 0, CONTENT[:HALF]).status_code == 204
    part = next((folder / "parts").glob("*.part"))
    part.write_bytes(CONTENT[:HALF])
    assert look(kim)[0] == 404
    assert send(kim, 0, CONTENT).status_code == 204
    assert get(kim).content == CONTENT


def test_the_same_content_is_other_noise_each_time(tmp_path: Path) -> None:
    """Two servers, or two uploads, do not show that they hold the same."""
    seal = BlobSeal(bytes(32))
    first, second = seal.begin(), seal.begin()
    assert seal.seal(first, 0, CONTENT) != seal.seal(second, 0, CONTENT)
    (tmp_path / "one").write_bytes(first + seal.seal(first, 0, CONTENT))
    with BlobSeal(b"k" * 32).open(tmp_path / "one") as other:
        assert PIECE not in other.read(), "another key opened it"


@given(
    st.binary(max_size=300),
    st.lists(st.integers(1, 40), max_size=20),
    st.integers(0, 320),
    st.binary(min_size=16, max_size=16),
)
def test_pieces_of_any_length_make_one_content(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, steps: list[int], start: int, block: bytes
) -> None:
    """Whatever the pieces in which it came, and also where the counter runs over."""
    seal, path = BlobSeal(b"s" * 32), tmp_path_factory.getbasetemp() / "any"
    head = seal.begin()[: HEAD_BYTES - 16] + block
    out, at = head, 0
    for step in [*steps, len(content)]:
        out += seal.seal(head, at, content[at : at + step])
        at = min(at + step, len(content))
    path.write_bytes(out)
    assert seal.length(path) == len(content)
    with seal.open(path) as stream:
        stream.seek(start)
        assert stream.read() == content[start:]
        stream.seek(0, os.SEEK_END)
        assert stream.tell() == len(content)
