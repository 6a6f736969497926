# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of a session: what is kept, when it begins and ends, and that nothing of it is plain on the disk."""

from __future__ import annotations

import fractions
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from remote_assist import recorder as recording
from remote_assist.child_protocol import Record, Recorded
from remote_assist.encoder import FLAG_KEY, X264, FrameData
from remote_assist.keeping import Keeper
from remote_assist.peer import Decoded
from remote_assist.recorder import Recorder, part_name, still_name
from remote_assist.sealed_file import SealedReader, SealedWriter, measure
from remote_assist.sending import now_us
from tests.fakes.wait import wait_until

SECRET = b"s" * 32
SIZE = (128, 64)
ENOUGH = 1 << 40
MATROSKA = b"\x1a\x45\xdf\xa3"


class Screen:
    """Pictures as the other end sends them: each one a brighter grey."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self._encoder = X264(*size, 24, "ultrafast")
        self._size = size
        self.id = 0

    def next(self, captured_us: int, *, key: bool = False) -> Decoded:
        width, height = self._size
        self.id += 1
        grey = np.full((height, width, 4), min(255, 10 * self.id), np.uint8)
        frame = VideoFrame.from_numpy_buffer(grey, "bgra")
        stream = self._encoder.encode(frame.reformat(format="yuv420p"), self.id * 3000, keyframe=key)
        data = FrameData(self.id, captured_us, 24, FLAG_KEY if key else 0, np.ones((1, 2), np.bool_))
        return Decoded(frame, data, captured_us, captured_us, 0, stream)


class Desk:
    """A recorder and what it said."""

    def __init__(self, disk_left: Callable[[Path], int] = lambda _folder: ENOUGH) -> None:
        self.said: list[Recorded] = []
        self.keyframes = 0
        self.recorder = Recorder(self.said.append, self._ask, disk_left)

    def _ask(self) -> None:
        self.keyframes += 1

    def words(self) -> list[tuple[str, int]]:
        return [(message.what, message.number) for message in self.said]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.recorder.finish(5)


def played(path: Path) -> list[VideoFrame]:
    """Return the pictures that any player would show of a recording."""
    with SealedReader(path, SECRET) as reader, av.open(reader, "r") as container:
        assert "matroska" in container.format.name
        return list(container.decode(container.streams.video[0]))


def times(path: Path) -> list[int]:
    return [round((frame.time or 0) * 1000) for frame in played(path)]


def test_a_recording_plays_with_its_times_and_size(desk: Desk, tmp_path: Path) -> None:
    """What was shown for a second plays in any player: every picture, at its time, in its size."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    for number in range(10):
        desk.recorder.put(screen.next(begun + number * 100_000, key=number == 0))
    desk.recorder.finish(5)
    assert times(tmp_path / part_name(1)) == [100 * number for number in range(10)]
    assert {(frame.width, frame.height) for frame in played(tmp_path / part_name(1))} == {SIZE}
    assert desk.words() == [("began", 1), ("part", 1), ("stopped", 0)]
    ended = desk.said[1]
    assert (ended.sha256, ended.size) == measure(tmp_path / part_name(1), SECRET)
    assert ended.ms == 900


def test_nothing_from_before_the_start_is_kept(desk: Desk, tmp_path: Path) -> None:
    """A picture captured before the recording began is not in it, even one that could be decoded alone."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    asked = desk.keyframes
    after = now_us() + 1000
    desk.recorder.put(screen.next(after - 10_000_000, key=True))
    desk.recorder.put(screen.next(after))
    desk.recorder.put(screen.next(after + 1, key=True))
    desk.recorder.finish(5)
    assert asked == 1
    assert len(played(tmp_path / part_name(1))) == 1


def test_a_stop_is_at_once(desk: Desk, tmp_path: Path) -> None:
    """What comes after the stop is not kept, however slow the disk is."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(screen.next(begun, key=True))
    desk.recorder.stop()
    desk.recorder.put(screen.next(begun + 100_000, key=True))
    desk.recorder.finish(5)
    assert len(played(tmp_path / part_name(1))) == 1


def test_a_pause_is_a_gap(desk: Desk, tmp_path: Path) -> None:
    """While the picture is held nothing is kept; afterwards it goes on with a whole picture, at its own time."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(screen.next(begun, key=True))
    desk.recorder.hold(True)
    desk.recorder.put(screen.next(begun + 50_000))
    desk.recorder.hold(False)
    desk.recorder.put(screen.next(begun + 60_000_000))
    desk.recorder.put(screen.next(begun + 61_000_000, key=True))
    desk.recorder.finish(5)
    assert times(tmp_path / part_name(1)) == [0, 61_000]


def test_a_lost_picture_is_waited_out(desk: Desk, tmp_path: Path) -> None:
    """When a picture is missing nothing broken is kept: it goes on with the next whole one."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(screen.next(begun, key=True))
    screen.next(begun + 1000)
    desk.recorder.put(screen.next(begun + 2000))
    desk.recorder.put(screen.next(begun + 3000, key=True))
    desk.recorder.finish(5)
    assert times(tmp_path / part_name(1)) == [0, 3]


def test_another_size_is_another_part(desk: Desk, tmp_path: Path) -> None:
    """When the customer shares something of another size, a second file begins, which plays as well."""
    first, second = Screen(), Screen((192, 96))
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(first.next(begun, key=True))
    desk.recorder.put(second.next(begun + 1000, key=True))
    desk.recorder.finish(5)
    assert [frame.width for frame in played(tmp_path / part_name(2))] == [192]
    assert desk.words() == [("began", 1), ("part", 1), ("began", 2), ("part", 2), ("stopped", 0)]


def test_a_long_recording_comes_in_parts(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is as long as a file on a ticket may be is ended, and the next begins with a whole picture."""
    monkeypatch.setattr(recording, "PART_BYTES_MAX", 100)
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(screen.next(begun, key=True))
    desk.recorder.put(screen.next(begun + 1000))
    wait_until(lambda: desk.keyframes == 2)
    desk.recorder.put(screen.next(now_us() + 2000, key=True))
    desk.recorder.finish(5)
    assert len(played(tmp_path / part_name(1))) == 1
    assert len(played(tmp_path / part_name(2))) == 1


def test_a_session_that_kept_enough_keeps_no_more(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The film ends with a word when it is as long as a ticket can hold, and cannot be begun again."""
    monkeypatch.setattr(recording, "SESSION_BYTES_MAX", 100)
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    desk.recorder.put(screen.next(begun, key=True))
    desk.recorder.put(screen.next(begun + 1000))
    wait_until(lambda: any(message.code == "too_long" for message in desk.said))
    desk.recorder.start(tmp_path, SECRET)
    wait_until(lambda: [message.code for message in desk.said].count("too_long") == 2)
    desk.recorder.finish(5)
    assert len(played(tmp_path / part_name(1))) == 1
    assert [path.name for path in tmp_path.iterdir()] == [part_name(1)]


def test_a_session_that_has_too_many_files_says_so(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as hang on one note, then it is over."""
    monkeypatch.setattr(recording, "FILES_MAX", 1)
    (tmp_path / part_name(1)).write_bytes(b"of an earlier child")
    desk.recorder.start(tmp_path, SECRET)
    desk.recorder.put(Screen().next(now_us() + 1000, key=True))
    wait_until(lambda: any(message.code == "too_long" for message in desk.said))


def test_a_browsers_picture_is_kept_as_well(desk: Desk, tmp_path: Path) -> None:
    """What a browser sends (VP8) goes into the same container, untouched, and plays."""
    encoder = VideoCodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base, encoder.options = fractions.Fraction(1, 1000), {"deadline": "realtime", "lag-in-frames": "0"}
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    for number in range(5):
        frame = VideoFrame.from_ndarray(np.full((SIZE[1], SIZE[0], 3), 40 * number, np.uint8), "rgb24")
        picture = frame.reformat(format="yuv420p")
        picture.pts = number * 100
        (packet,) = encoder.encode(picture)
        data = FrameData(number, begun, 0, FLAG_KEY if number == 0 else 0, np.zeros((0, 0), np.bool_))
        at = begun + number * 100_000
        desk.recorder.put(Decoded(frame, data, at, at, 0, bytes(packet), timed=False))
    desk.recorder.finish(5)
    assert times(tmp_path / part_name(1)) == [0, 100, 200, 300, 400]
    with SealedReader(tmp_path / part_name(1), SECRET) as reader, av.open(reader, "r") as film:
        assert film.streams.video[0].codec_context.name == "vp8"


def test_nothing_plain_is_on_the_disk(desk: Desk, tmp_path: Path) -> None:
    """While it is written and afterwards, no byte of the film can be read without the key."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    pictures = [screen.next(now_us() + 1000 + number * 500_000, key=number == 0) for number in range(6)]
    for picture in pictures:
        desk.recorder.put(picture)
    wait_until(lambda: (tmp_path / part_name(1)).exists() and (tmp_path / part_name(1)).stat().st_size > 200)
    while_written = (tmp_path / part_name(1)).read_bytes()
    desk.recorder.keep_still(pictures[0].frame, tmp_path, SECRET)
    desk.recorder.finish(5)
    raw = while_written + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (MATROSKA, b"matroska", b"\x89PNG", b"IHDR", pictures[0].stream[-16:]):
        assert secret not in raw


def test_a_killed_child_leaves_what_it_had(desk: Desk, tmp_path: Path) -> None:
    """Nobody ended the file, and its last block was cut: it plays nearly to the last second."""
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    begun = now_us() + 1000
    for number in range(20):
        desk.recorder.put(screen.next(begun + number * 200_000, key=number == 0))
    written = tmp_path / part_name(1)
    wait_until(lambda: written.exists() and written.stat().st_size > 400)
    wait_until(lambda: bool(_times_so_far(written, tmp_path)) and max(_times_so_far(written, tmp_path)) >= 3000)


def _times_so_far(written: Path, folder: Path) -> list[int]:
    """Return the times of the pictures in a copy of what is on the disk now, with half a block behind."""
    copy = folder / "copy"
    copy.write_bytes(written.read_bytes() + b"half a block that was being written")
    try:
        return times(copy)
    except (av.FFmpegError, IndexError):
        return []


def test_a_full_disk_ends_it_and_keeps_the_rest(tmp_path: Path) -> None:
    """When the disk is nearly full the recording ends and says why; what there is plays."""
    left = [ENOUGH]
    desk = Desk(lambda _folder: left[0])
    screen = Screen()
    desk.recorder.start(tmp_path, SECRET)
    desk.recorder.put(screen.next(now_us() + 1000, key=True))
    wait_until(lambda: ("began", 1) in desk.words())
    left[0] = 0
    wait_until(lambda: any(message.code == "disk_full" for message in desk.said))
    desk.recorder.put(screen.next(now_us() + 2000))
    desk.recorder.finish(5)
    assert len(played(tmp_path / part_name(1))) == 1


def test_a_disk_that_fails_ends_it(tmp_path: Path) -> None:
    """A write that fails ends the recording with a word, and nothing crashes."""
    desk = Desk()
    desk.recorder.start(tmp_path / "not there", SECRET)
    desk.recorder.put(Screen().next(now_us() + 1000, key=True))
    wait_until(lambda: desk.words() == [("failed", 0)])
    assert not desk.recorder.on
    desk.recorder.finish(5)


def test_memory_is_bounded_when_the_disk_is_slow(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that the disk cannot take are left out; the film goes on with the next whole one."""
    gate = threading.Event()
    free = SealedWriter.write

    def slow(self: SealedWriter, data: bytes) -> int:
        gate.wait(10)
        return free(self, data)

    monkeypatch.setattr(SealedWriter, "write", slow)
    desk.recorder.start(tmp_path, SECRET)
    screen, begun = Screen(), now_us() + 1000
    pictures = [screen.next(begun + number * 1000, key=number == 0) for number in range(60)]
    monkeypatch.setattr(recording, "QUEUE_BYTES_MAX", sum(len(picture.stream) for picture in pictures) // 2)
    for picture in pictures:
        desk.recorder.put(picture)
    gate.set()
    desk.recorder.finish(5)
    assert 0 < len(played(tmp_path / part_name(1))) < 60


def test_a_second_child_writes_over_nothing(desk: Desk, tmp_path: Path) -> None:
    """What the first child left stays; the second goes on with the next number."""
    (tmp_path / part_name(1)).write_bytes(b"of the first child")
    desk.recorder.start(tmp_path, SECRET)
    desk.recorder.put(Screen().next(now_us() + 1000, key=True))
    desk.recorder.finish(5)
    assert (tmp_path / part_name(1)).read_bytes() == b"of the first child"
    assert len(played(tmp_path / part_name(2))) == 1


# --- the grant -----------------------------------------------------------------------------------------------------


class Kept:
    """The keeper of a child whose window shows `shown`."""

    def __init__(self) -> None:
        self.said: list[Recorded] = []
        self.screen = Screen()
        self.shown = self.screen.next(0).frame
        self.keeper = Keeper(self.said.append, lambda take: take(self.shown))

    def see(self, *, key: bool = False) -> None:
        self.keeper.decoded(self.screen.next(now_us() + 1, key=key))

    def words(self) -> list[str]:
        return [message.what for message in self.said]


def test_without_the_grant_nothing_is_kept(tmp_path: Path) -> None:
    """An order alone keeps nothing, neither film nor picture."""
    kept = Kept()
    kept.keeper.order(Record(True, str(tmp_path), SECRET))
    kept.keeper.order(Record(True, str(tmp_path), SECRET, still=True))
    kept.see(key=True)
    kept.keeper.finish()
    assert list(tmp_path.iterdir()) == []


def test_what_the_customer_takes_back_ends_in_the_child(tmp_path: Path) -> None:
    """The customer's own word ends the recording, before the window has read it."""
    kept = Kept()
    kept.keeper.grant(True)
    kept.keeper.order(Record(True, str(tmp_path), SECRET))
    kept.see(key=True)
    kept.keeper.heard({"t": "grants", "seq": 2, "set": ["view"]})
    kept.see()
    kept.keeper.order(Record(True, str(tmp_path), SECRET))
    kept.see(key=True)
    kept.keeper.finish()
    assert len(played(tmp_path / part_name(1))) == 1
    assert kept.words() == ["began", "part", "stopped"]


def test_a_still_is_the_picture_in_its_own_size(tmp_path: Path) -> None:
    """One picture is kept without loss, once something captured later proves that it is what is shown."""
    kept = Kept()
    kept.keeper.grant(True)
    kept.keeper.order(Record(True, str(tmp_path), SECRET, still=True))
    assert list(tmp_path.iterdir()) == []
    kept.see()
    kept.see()
    kept.keeper.finish()
    assert kept.words() == ["still"]
    with SealedReader(tmp_path / still_name(1), SECRET) as reader, av.open(reader, "r") as container:
        (picture,) = container.decode(container.streams.video[0])
    assert (picture.width, picture.height) == SIZE
    assert (picture.to_ndarray(format="rgb24") == kept.shown.to_ndarray(format="rgb24")).all()


def test_no_still_while_the_picture_is_held(tmp_path: Path) -> None:
    """What is held is not shown, and so not kept."""
    kept = Kept()
    kept.keeper.grant(True)
    kept.keeper.pause(True)
    kept.keeper.order(Record(True, str(tmp_path), SECRET, still=True))
    kept.keeper.pause(False)
    kept.see(key=True)
    kept.keeper.finish()
    assert list(tmp_path.iterdir()) == []
