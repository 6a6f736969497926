# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the agent was shown: the received video, as it came, in Matroska files that are never plain on the disk.

Nothing is transcoded, so the customer's masks are in it and nothing else is. A part begins with a keyframe that was
captured after the start, and a new one begins when the picture's form changes. Writing has its own thread.
"""

from __future__ import annotations

import contextlib
import fractions
import io
import shutil
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from cryptography.exceptions import InvalidTag

from remote_assist.child_protocol import Recorded
from remote_assist.encoder import FLAG_KEY
from remote_assist.peer import Decoded
from remote_assist.sealed_file import BadSeal, SealedWriter, measure
from remote_assist.sending import now_us

__all__ = ["PART_BYTES_MAX", "SESSION_BYTES_MAX", "Recorder", "part_name", "still_name"]

PART_BYTES_MAX: Final = 150 << 20  # a file of a ticket may have 200 MB
SESSION_BYTES_MAX: Final = 1 << 30
FILES_MAX: Final = 40  # as many hang on one note
QUEUE_BYTES_MAX: Final = 16 << 20
DISK_LEFT_MIN: Final = 256 << 20
_FLUSH_S: Final = 0.4
_AGAIN_US: Final = 500_000
_VP8_START: Final = b"\x9d\x01\x2a"  # of a browser's picture that can be decoded alone
_MS: Final = fractions.Fraction(1, 1000)
_TROUBLE = (OSError, av.FFmpegError, ValueError, IndexError, BadSeal, InvalidTag)


def part_name(number: int) -> str:
    """Return the name of a part in its folder."""
    return f"part{number:03d}"


def still_name(number: int) -> str:
    """Return the name of a still picture in its folder."""
    return f"still{number:03d}"


@dataclass(frozen=True, slots=True)
class _Piece:
    stream: bytes
    key: bool
    at_us: int
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Begin:
    folder: Path
    secret: bytes


@dataclass(frozen=True, slots=True)
class _Still:
    frame: VideoFrame
    folder: Path
    secret: bytes


class _Stop:
    pass


class _TooLong(Exception):
    pass


_Work = _Piece | _Begin | _Still | _Stop


class Recorder:
    """One per session child. `start`, `stop` and `hold` act at once in any thread; `put` is the decoder's."""

    def __init__(
        self,
        post: Callable[[Recorded], None],
        ask_keyframe: Callable[[], None],
        disk_left: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """`post` and `ask_keyframe` are called in any thread."""
        self._post = post
        self._ask = ask_keyframe
        self._disk_left = disk_left
        self._ready = threading.Condition()
        self._work: deque[_Work] = deque()
        self._queued = 0
        self._on = False
        self._held = False
        self._need_key = True
        self._from_us = 0
        self._asked_us = 0
        self._last_id = -1
        self._closed = False
        self._thread: threading.Thread | None = None
        self._writing = _Writing(post)

    # --- any thread ---------------------------------------------------------------------------------------------------

    @property
    def on(self) -> bool:
        """Whether pictures are taken, unless they are held."""
        return self._on

    def start(self, folder: Path, secret: bytes) -> None:
        """Record from the next keyframe on that is captured from now on."""
        with self._ready:
            if self._on or self._closed:
                return
            self._on = True
            self._wait_for_key()
            self._put(_Begin(folder, secret))

    def stop(self) -> None:
        """Take nothing any more. What was taken is written and the file is ended, in the thread of this recorder."""
        with self._ready:
            if self._on:
                self._on = False
                self._put(_Stop())

    def hold(self, on: bool) -> None:
        """While held nothing is taken; afterwards it goes on with a keyframe, and the gap stays in the times."""
        with self._ready:
            if self._held and not on:
                self._wait_for_key()
            self._held = on

    def put(self, decoded: Decoded) -> None:
        """Take a picture, as it came."""
        key = bool(decoded.data.flags & FLAG_KEY)
        with self._ready:
            if not self._on or self._held or decoded.captured_us < self._from_us:
                self._ask_again()
                return
            follows = decoded.data.frame_id == (self._last_id + 1) & 0xFFFF_FFFF
            full = self._queued + len(decoded.stream) > QUEUE_BYTES_MAX
            if full or not (key or (follows and not self._need_key)):
                self._need_key = True
                self._ask_again()
                return
            self._need_key, self._last_id = False, decoded.data.frame_id
            self._queued += len(decoded.stream)
            size = decoded.frame.width, decoded.frame.height
            self._put(_Piece(decoded.stream, key, decoded.captured_us, size))

    def keep_still(self, frame: VideoFrame, folder: Path, secret: bytes) -> None:
        """Keep this picture as PNG."""
        with self._ready:
            if not self._closed:
                self._put(_Still(frame, folder, secret))

    def finish(self, timeout_s: float) -> None:
        """Stop and wait until everything is written. Idempotent."""
        self.stop()
        with self._ready:
            self._closed = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _wait_for_key(self) -> None:
        self._need_key = True
        self._from_us = now_us()
        self._asked_us = self._from_us
        self._ask()

    def _ask_again(self) -> None:
        if self._on and not self._held and now_us() - self._asked_us > _AGAIN_US:
            self._asked_us = now_us()
            self._ask()

    def _put(self, work: _Work) -> None:
        self._work.append(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()
        self._ready.notify()

    # --- the recorder's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._ready:
                if not self._work and not self._closed:
                    self._ready.wait(_FLUSH_S)
                if not self._work and self._closed:
                    return
                work = self._work.popleft() if self._work else None
                if isinstance(work, _Piece):
                    self._queued -= len(work.stream)
            try:
                self._do(work)
            except _TooLong:
                self._failed("too_long")
            except _TROUBLE as error:
                self._failed("disk_full" if isinstance(error, OSError) else "not_written")

    def _do(self, work: _Work | None) -> None:
        writing = self._writing
        if writing.full and not isinstance(work, _Stop):
            raise _TooLong
        if isinstance(work, _Begin):
            writing.begin(work.folder, work.secret)
        elif isinstance(work, _Piece):
            if writing.takes(work):
                writing.write(work)
            else:
                with self._ready:
                    self._wait_for_key()  # a part was full in mid-stream
        elif isinstance(work, _Still):
            writing.still(work)
        elif isinstance(work, _Stop):
            writing.end("stopped")
        elif writing.flush() and self._disk_left(writing.folder) < DISK_LEFT_MIN:
            self._failed("disk_full")

    def _failed(self, code: str) -> None:
        with self._ready:
            self._on = False
            self._work = deque(work for work in self._work if not isinstance(work, _Piece | _Stop))
            self._queued = 0
        with contextlib.suppress(*_TROUBLE):
            self._writing.end("")
        self._post(Recorded("failed", code=code))


class _Writing:
    """The files. One thread."""

    def __init__(self, post: Callable[[Recorded], None]) -> None:
        self._post = post
        self._secret = b""
        self._file: SealedWriter | None = None
        self._container: OutputContainer | None = None
        self._stream: Any = None
        self._form: tuple[bytes, tuple[int, int]] = (b"", (0, 0))
        self._first_us = 0
        self._last_ms = -1
        self._number = 0
        self._before = 0
        self._flushed_us = 0
        self.folder = Path()

    @property
    def full(self) -> bool:
        """Whether nothing more may be kept of this session."""
        here = self._file.size if self._file is not None else 0
        return self._before + here > SESSION_BYTES_MAX

    def begin(self, folder: Path, secret: bytes) -> None:
        self.end("")
        self.folder, self._secret = folder, secret

    def takes(self, piece: _Piece) -> bool:
        """Tell whether the piece can go into a file: a part begins with a keyframe."""
        if self._file is not None and self._file.size > PART_BYTES_MAX:
            self._end_part()
        return piece.key or self._file is not None

    def write(self, piece: _Piece) -> None:
        if piece.key:
            form = _parameters(piece.stream), piece.size
            if self._file is None or form != self._form:
                self._end_part()
                self._open(piece, form)
        packet = av.Packet(piece.stream)
        packet.stream = self._stream
        packet.time_base = _MS
        self._last_ms = max(self._last_ms + 1, (piece.at_us - self._first_us) // 1000)
        packet.pts = packet.dts = self._last_ms
        packet.is_keyframe = piece.key
        if self._container is not None:
            self._container.mux_one(packet)
        if now_us() - self._flushed_us > _FLUSH_S * 1_000_000:
            self.flush()

    def _open(self, piece: _Piece, form: tuple[bytes, tuple[int, int]]) -> None:
        self._file, self._number = _new_file(self.folder, part_name, self._secret)
        self._form, self._first_us, self._last_ms = form, piece.at_us, -1
        options = {"cluster_time_limit": "400", "flush_packets": "1"}  # what is older than that is in the file
        self._container = av.open(self._file, "w", format="matroska", options=options)
        if piece.stream[3:6] == _VP8_START:
            width, height = piece.size
            self._stream = self._container.add_mux_stream("vp8", width=width, height=height, time_base=_MS)
        else:
            with av.open(io.BytesIO(piece.stream), format="h264") as like:
                self._stream = self._container.add_stream_from_template(like.streams.video[0])
        self._post(Recorded("began", self._number))

    def flush(self) -> bool:
        """Let what there is survive this process; False when nothing is being written."""
        if self._file is None:
            return False
        self._flushed_us = now_us()
        self._file.flush()
        return True

    def end(self, word: str) -> None:
        """End the part, and say `word`."""
        try:
            self._end_part()
        finally:
            if word:
                self._post(Recorded(word))

    def _end_part(self) -> None:
        file, container, number = self._file, self._container, self._number
        self._file = self._container = self._stream = None
        if file is None:
            return
        try:
            if container is not None:
                container.close()
        finally:
            file.close()
            self._before += file.size
            self._tell_part(Path(file.name), number)

    def _tell_part(self, path: Path, number: int) -> None:
        with contextlib.suppress(OSError, BadSeal):
            sha256, size = measure(path, self._secret)
            self._post(Recorded("part", number, max(0, self._last_ms), size, sha256))

    def still(self, work: _Still) -> None:
        png = _png(work.frame)
        file, number = _new_file(work.folder, still_name, work.secret)
        try:
            file.write(png)
        finally:
            file.close()
        self._before += len(png)
        sha256, size = measure(Path(file.name), work.secret)
        self._post(Recorded("still", number, 0, size, sha256))


def _new_file(folder: Path, name: Callable[[int], str], secret: bytes) -> tuple[SealedWriter, int]:
    """Return the next free file and its number: an earlier child may have left some. Raises OSError, _TooLong."""
    for number in range(1, FILES_MAX + 1):
        with contextlib.suppress(FileExistsError):
            return SealedWriter(folder / name(number), secret), number
    raise _TooLong


def _parameters(stream: bytes) -> bytes:
    """Return the parameter sets of a picture: what a decoder must know before it."""
    nals = stream.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")[:16]
    return b"\x00".join(nal for nal in nals if nal and nal[0] & 0x1F in (7, 8))


def _png(frame: VideoFrame) -> bytes:
    context = VideoCodecContext.create("png", "w")
    picture = frame.reformat(format="rgb24")
    context.width, context.height, context.pix_fmt = picture.width, picture.height, "rgb24"
    context.time_base = _MS
    picture.pts = 0
    return b"".join(bytes(packet) for packet in (*context.encode(picture), *context.encode(None)))
