# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from remote_assist.shm import FrameInfo, FrameReader, FrameWriter

W, H = 64, 48


@pytest.fixture
def pair() -> Iterator[tuple[FrameReader, FrameWriter]]:
    reader = FrameReader(W, H)
    yield reader, FrameWriter(os.dup(reader.fd))
    reader.close()


def paint(writer: FrameWriter, number: int) -> None:
    rows = writer.begin(W, H)
    rows[:] = bytes([number % 251]) * len(rows)
    rows.release()
    writer.commit(number, number, number)


def colours(_info: FrameInfo, rows: memoryview) -> set[int]:
    return set(bytes(rows))


def test_a_window_sees_nothing_before_the_first_picture(pair: tuple[FrameReader, FrameWriter]) -> None:
    """No picture is made up."""
    assert pair[0].read(colours) is None


def test_a_slow_window_gets_the_newest_picture(pair: tuple[FrameReader, FrameWriter]) -> None:
    """Of a hundred pictures that came meanwhile the last one is shown."""
    reader, writer = pair
    for number in range(1, 101):
        paint(writer, number)
    found = reader.read(colours)
    assert found is not None
    assert found[0].frame_id == 100
    assert found[1] == {100}


def test_a_half_written_picture_never_comes_out(pair: tuple[FrameReader, FrameWriter]) -> None:
    """While the child writes, the window keeps what was whole before."""
    reader, writer = pair
    paint(writer, 7)
    writer.begin(W, H)[: W * 4] = bytes([200]) * W * 4
    found = reader.read(colours)
    assert found is not None
    assert found[1] == {7}


def test_pictures_are_whole_while_the_child_writes_at_full_speed(pair: tuple[FrameReader, FrameWriter]) -> None:
    """Every picture read has one colour, though thousands are written at the same time."""
    reader, writer = pair
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            paint(writer, number)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = [found for _ in range(2000) if (found := reader.read(colours)) is not None]
    finally:
        stop.set()
        thread.join()
    assert len(seen) > 100
    assert all(len(found[1]) == 1 for found in seen)
    ids = [found[0].frame_id for found in seen]
    assert ids == sorted(ids)


SIZES_THAT_DO_NOT_FIT = [(0, 10, 40), (1 << 40, 1, 4), (64, 48, 3), (64, 1 << 30, 256), (16384, 16384, 65536)]


@pytest.mark.parametrize(("width", "height", "stride"), SIZES_THAT_DO_NOT_FIT)
def test_a_lying_child_cannot_make_the_window_read_elsewhere(
    pair: tuple[FrameReader, FrameWriter], width: int, height: int, stride: int
) -> None:
    """Sizes that do not fit the slot are no picture."""
    reader, writer = pair
    writer.begin(W, H)
    for name, value in ((2, width), (3, height), (4, stride)):
        writer._area.set_word(writer._slot, name, value)
    writer.commit(1, 1, 1)
    assert reader.read(colours) is None


def test_a_child_cannot_pull_the_memory_from_under_the_window(pair: tuple[FrameReader, FrameWriter]) -> None:
    """The memory is sealed: shrinking it, which would kill the reader, is refused by the kernel."""
    with pytest.raises(PermissionError):
        os.ftruncate(pair[0].fd, 4096)


def test_a_picture_larger_than_the_memory_is_refused(pair: tuple[FrameReader, FrameWriter]) -> None:
    """The writer says so instead of writing past its slot."""
    with pytest.raises(ValueError, match="does not fit"):
        pair[1].begin(W * 2, H * 2)


def test_a_closed_window_reads_nothing(pair: tuple[FrameReader, FrameWriter]) -> None:
    """Reading after the end is harmless."""
    paint(pair[1], 1)
    pair[0].close()
    pair[0].close()
    assert pair[0].read(colours) is None
