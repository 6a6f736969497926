# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session child does with pictures: the customer's end captures and sends, the agent's end shows."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from app.domain.assist import Scope
from app.domain.capture import CaptureError, CursorState, FrameSource, Target, TargetKind
from remote_assist import messages
from remote_assist.capture_drawn import DrawnSource
from remote_assist.child_protocol import (
    Ack,
    Fault,
    FromChild,
    ListTargets,
    Masks,
    Place,
    Record,
    Source,
    TargetItem,
    Targets,
)
from remote_assist.compose import Painter, Shown, shown_from_picture
from remote_assist.cursor_feed import CursorFeed
from remote_assist.diagnostics_reading import BundleReader
from remote_assist.encoder import FLAG_KEY, FLAG_PROBE, FLAG_REFINE
from remote_assist.keeping import Keeper
from remote_assist.peer import Decoded, Peer
from remote_assist.sending import Gate, Mailbox, Picture, Pipeline, now_us
from remote_assist.sent_pictures import SentPictures
from remote_assist.shield import Shield, x11_watch
from remote_assist.shm import FrameWriter
from remote_assist.tiles import Run

Post = Callable[[FromChild], None]
FPS_MAX: Final = 30
_LATENCIES: Final = 300
_PREVIEW_US: Final = 100_000
_PREVIEW_LIVE_US: Final = 500_000


class SourceFactory(Protocol):
    """Gives the source for a kind of target; `wait_free` lets a source wait until the encoder is free."""

    def __call__(self, kind: TargetKind | None, wait_free: Callable[[float], bool]) -> FrameSource:
        """Return a source; kind None asks for the one that lists targets. Raises CaptureError."""
        ...


class AgentRole:
    """Decoded pictures to the window, and what they took to get here."""

    frames_sent = 0

    def __init__(self, writer: FrameWriter, post: Post) -> None:
        self._opened_us = 0
        self._first_us = 0
        self._lock = threading.Lock()
        self._latencies: deque[int] = deque(maxlen=_LATENCIES)
        self._arrivals: deque[int] = deque(maxlen=240)
        self._last: Decoded | None = None
        self._ended = False
        self._peer: Peer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.frames_received = 0
        self.painter = Painter(writer, post, self._again)
        self.keeper = Keeper(post, self.painter.keep)
        self.bundles = BundleReader(post)

    def decoded(self, decoded: Decoded) -> None:
        """Take a picture in the decoder's thread."""
        if self._ended:
            return
        with self._lock:
            self.frames_received += 1
            self._first_us = self._first_us or decoded.decoded_us
            self._last = decoded
            if not decoded.data.flags & (FLAG_PROBE | FLAG_REFINE):
                if decoded.timed:
                    self._latencies.append(decoded.decoded_us - decoded.captured_us)
                self._arrivals.append(decoded.decoded_us)
        data = decoded.data
        shown = Shown(decoded.frame, data.tiles, data.frame_id, decoded.captured_us, decoded.decoded_us)
        self.painter.put_decoded(shown, decoded.epoch, key=bool(data.flags & FLAG_KEY))
        self.keeper.decoded(decoded)

    def run_of_tiles(self, run: Run, epoch: int) -> None:
        """Take exact tiles, on the loop."""
        if not self._ended:
            self.painter.put_run(run, epoch)

    def _again(self, run: Run) -> None:
        """Ask for tiles that could not be used; in any thread."""
        if self._peer is not None and self._loop is not None:
            wanted = messages.encode(messages.Retile(run.col, run.row, run.run))
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._peer.send, "ctl", wanted)

    def opened(self, _peer: Peer) -> None:
        """Note when it began."""
        self._opened_us = self._opened_us or now_us()

    def connected(self, peer: Peer) -> None:
        """Note where to ask for tiles."""
        self.keeper.peer = peer
        self._peer, self._loop = peer, asyncio.get_running_loop()

    def heard(self, peer: Peer | None, message: dict[str, Any]) -> bool:
        """Everything the customer says is for the window, but a bundle in pieces."""
        self.keeper.heard(message)
        return self.bundles.heard(message, peer.epoch if peer is not None else -1)

    def reachable(self, on: bool) -> None:
        """Nothing depends on it here."""

    def grant(self, scopes: frozenset[str]) -> None:
        """Grants are the customer's; here they only decide which messages pass, and whether anything is kept."""
        self.keeper.grant(Scope.RECORDING in scopes)

    def record(self, message: Record) -> None:
        """Keep what comes, or one picture of it, or no more."""
        self.keeper.order(message)

    def pause(self, on: bool) -> None:
        """The customer's end stops sending."""
        self.keeper.pause(on)

    def expect(self, source: Source) -> None:
        """This end has no source."""

    def resumed(self) -> None:
        """Nothing to do here."""

    def limits(self, limits: dict[str, int]) -> None:
        """Nothing to limit here."""

    def check(self, post: Post) -> None:
        """Nothing to watch here."""

    def end(self) -> None:
        """Show nothing more, keep nothing more."""
        self._ended = True
        self.keeper.end()

    def finish(self) -> None:
        """Wait until what was kept is written."""
        self.keeper.finish()

    def stats(self, peer: Peer | None) -> dict[str, float]:
        with self._lock:
            ordered = sorted(self._latencies)
            recent = sum(1 for us in self._arrivals if us > now_us() - 1_000_000)
            last, received, first_us = self._last, self.frames_received, self._first_us
        width, height = self.painter.source_size
        values: dict[str, float] = {
            "frames_received": received,
            "frames_shown": self.painter.written,
            "tiles_exact": self.painter.exact_tiles,
            "fps": recent,
            "source_w": width,
            "source_h": height,
        }
        if ordered:
            values["latency_p50_ms"] = ordered[len(ordered) // 2] / 1000
            values["latency_p95_ms"] = ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)] / 1000
        if last is not None and last.timed:
            values["q"] = last.data.q
        if last is not None:
            values["age_ms"] = (now_us() - last.captured_us) / 1000
            values["first_frame_ms"] = (first_us - self._opened_us) / 1000
        if peer is not None:
            values |= {
                "rtt_ms": peer.clock.rtt_us / 1000,
                "clock_offset_us": peer.clock.offset_us if last is None or last.timed else 0,
                "keyframes_asked": peer.keyframes_asked,
            }
        return values


class CustomerRole:
    """Source, masks, preview and sending. `handle` is called in worker threads, one at a time by its lock."""

    def __init__(self, writer: FrameWriter, post: Post, sources: SourceFactory) -> None:
        self._post = post
        self._sources = sources
        self._lock = threading.Lock()
        self._fps = FPS_MAX
        self._source: FrameSource | None = None
        self._lister: FrameSource | None = None
        self._chosen: tuple[str, str, tuple[int, int, int, int] | None] | None = None
        self._preview_on = False
        self._preview_us = 0
        self._preview_due: Picture | None = None
        self._fault = ""
        self._begins = False  # the gate has opened and no whole picture has followed yet
        self._place: tuple[int, int, int, int] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cursor = CursorFeed(self._read_cursor, self._send_cursor, now_us, self._wait_for_cursor)
        self._wanted: tuple[str, str, tuple[int, int, int, int] | None] | None = None
        self._sent_times: deque[tuple[int, int]] = deque(maxlen=2)
        self._looked_at: tuple[int, int, int, int] | None = None
        self.sent = SentPictures(post)
        self.gate = Gate()
        self.mailbox = Mailbox()
        self.painter = Painter(writer, post)
        self.shield = Shield(x11_watch, post)
        self.pipeline = Pipeline(self.mailbox, self.gate, self._preview, self.shield.cover)

    @property
    def frames_sent(self) -> int:
        return self.gate.frames_sent

    # --- what may leave: any thread -------------------------------------------------------------------------------

    def grant(self, scopes: frozenset[str]) -> None:
        """A grant of `view` is for the target asked for last."""
        if self.gate.set(granted="view" in scopes):
            self._begins = True
        self.sent.grant(scopes)

    def expect(self, source: Source) -> None:
        """Another target is another consent: nothing passes until it is captured and granted anew."""
        wanted = (source.target, source.kind, source.region)
        if wanted != self._wanted:
            if self._wanted is not None:
                self.gate.set(granted=False)
            self._wanted = wanted
            self.pipeline.hold()
            self._preview_due = None

    def pause(self, on: bool) -> None:
        if self.gate.set(running=not on):
            self._begins = True

    def end(self) -> None:
        self.gate.set(live=False)
        self._cursor.stop()

    def record(self, message: Record) -> None:
        """The customer's end keeps nothing."""

    def finish(self) -> None:
        """Nothing to write."""

    def reachable(self, on: bool) -> None:
        self.gate.set(connected=on)

    # --- on the loop ----------------------------------------------------------------------------------------------

    def resumed(self) -> None:
        """If the gate has opened, send a whole picture at once instead of waiting for a change."""
        if self._begins and self.gate.open and self._peer is not None:
            self._begins = False
            self._peer.begin_again()
            self.pipeline.offer_last()
            self._peer.wake()

    _peer: Peer | None = None

    def opened(self, peer: Peer) -> None:
        """Nothing to do before it is connected."""

    def connected(self, peer: Peer) -> None:
        self._peer = peer
        if peer.encoder is not None:
            peer.encoder.left = self.sent.left
        self.mailbox.on_filled = peer.wake
        self.gate.set(connected=True)
        self._loop = asyncio.get_running_loop()
        self._cursor.renew()
        self._cursor.start()
        self._begins = True
        self.resumed()

    def heard(self, peer: Peer | None, message: dict[str, Any]) -> bool:
        """Take what decides how pictures are sent; True: it is for nobody else."""
        kind = message.get("t")
        if kind == "view":
            self._looked_at = message["src_rect"]
        if peer is None or peer.encoder is None or peer.tiles is None:
            return kind == "retile"
        if kind == "hello" and "tile" in message["caps"]:
            peer.tiles.begin(lambda: self.pipeline.newest)
        if kind in ("hello", "view"):
            peer.encoder.topoff.look_at(self._looked_at)
        elif kind == "retile":
            peer.encoder.topoff.wanted_again(message["col"], message["row"], message["run"])
        return kind == "retile"

    def decoded(self, decoded: Decoded) -> None:
        """A customer's end receives no pictures."""

    def limits(self, limits: dict[str, int]) -> None:
        self._fps = max(1, min(limits.get("fps_max", FPS_MAX), 60))

    def check(self, post: Post) -> None:
        """Report once what has become of the source; show the preview's last picture if it came too soon."""
        due = self._preview_due
        if due is not None:
            self._preview(due)
        self._tell_place(post)
        fault = self.pipeline.fault or self._source_fault()
        if fault != self._fault:
            self._fault = fault
            if fault:
                post(Fault(fault))

    def _source_fault(self) -> str:
        failed = str(getattr(self._source, "failed", ""))
        if failed == "target_changed" and self._source is not None and not self.gate.granted:
            self._source.looked()  # still being chosen: the customer looks at the preview
            return ""
        return failed

    def _tell_place(self, post: Post) -> None:
        """A window that is moved takes the agent's pointer and drawings with it."""
        source, chosen = self._source, self._chosen
        if source is None or chosen is None or not self.gate.open:
            return
        try:
            rect = source.geometry()
        except CaptureError:
            return
        x, y, width, height = chosen[2] or (0, 0, rect.width, rect.height)
        place = (rect.x + x, rect.y + y, width, height)
        if place != self._place:
            self._place = place
            post(Place(place))

    # --- the cursor: its own thread --------------------------------------------------------------------------------

    def _read_cursor(self) -> CursorState | None:
        """Return the cursor relative to what is shared, while pictures may leave."""
        source, chosen = self._source, self._chosen
        if source is None or chosen is None or not self.gate.open:
            return None
        if getattr(source, "failed", "") or self.pipeline.fault:
            return CursorState(0, 0, visible=False)  # over what stands there instead
        state = source.cursor()
        if state is not None and chosen[2] is not None:
            left, top, width, height = chosen[2]
            x, y = state.x - left, state.y - top
            state = replace(state, x=x, y=y, visible=state.visible and 0 <= x < width and 0 <= y < height)
        if self._peer is not None and self._peer.encoder is not None:
            self._peer.encoder.topoff.point_at((state.x, state.y) if state is not None and state.visible else None)
        return state

    def _wait_for_cursor(self, seconds: float) -> bool:
        source = self._source
        return source is not None and self.gate.open and source.wait_cursor(seconds)

    def _send_cursor(self, channel: str, data: bytes) -> None:
        peer, loop = self._peer, self._loop
        if peer is not None and loop is not None and self.gate.open:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(peer.send, channel, data)

    def stats(self, peer: Peer | None) -> dict[str, float]:
        now = now_us()
        self._sent_times.append((now, self.gate.frames_sent))
        (then, before), (_, sent) = self._sent_times[0], self._sent_times[-1]
        width, height = self.pipeline.size
        values: dict[str, float] = {
            "frames_captured": self.pipeline.frames_captured,
            "frames_sent": sent,
            "packets_dropped": self.gate.packets_dropped,
            "gate_open": float(self.gate.open),
            "fps": (sent - before) * 1_000_000 / (now - then) if now > then else 0.0,
            "source_w": width,
            "source_h": height,
        }
        if peer is not None and peer.encoder is not None:
            values |= {
                "q": peer.encoder.q,
                "keyframes": peer.encoder.keyframes,
                "encode_ms": peer.encoder.encode_us / 1000,
                "rate_bps": peer.rate.bps,
                "tiles_exact": peer.encoder.topoff.exact_tiles,
                "tiles_sent": peer.encoder.topoff.tiles_sent,
                "rtt_ms": peer.clock.rtt_us / 1000,
            }
        if peer is not None and peer.pacer is not None:
            values |= {
                "bytes_sent": peer.pacer.bytes_sent,
                "packets_sent": peer.pacer.packets_sent,
                "retransmitted": peer.pacer.retransmitted,
            }
        return values

    # --- sources: worker threads ----------------------------------------------------------------------------------

    def handle(self, message: ListTargets | Source | Masks) -> None:
        """List, choose, mask. Faults are posted, never raised."""
        with self._lock:
            try:
                if isinstance(message, ListTargets):
                    self._post(Targets(message.seq, [_item(target) for target in self._targets()]))
                elif isinstance(message, Masks):
                    self.shield.hide(message.rules, message.own)
                    self.pipeline.set_masks(message.rects, looked=message.looked, drawn=message.drawn)
                    if message.looked and self._source is not None:
                        self._source.looked()
                        self._fault = ""  # the same again is news
                    self._post(Ack(message.seq))
                else:
                    self._choose(message)
            except CaptureError as error:
                self._post(Fault(error.code, str(error)))

    def _targets(self) -> Sequence[Target]:
        if self._lister is None:
            self._lister = self._sources(None, self.mailbox.wait_free)
        return self._lister.targets()

    def _choose(self, message: Source) -> None:
        shows, self._preview_on = self._preview_on, message.preview
        chosen = (message.target, message.kind, message.region)
        if chosen == self._chosen and message.preview and not shows:
            self.pipeline.show_last()
        if chosen == self._chosen or chosen != self._wanted:  # running already, or overtaken by a later choice
            return
        if self._source is not None:
            self._source.stop()
            self._source = None
        self.mailbox.clear()
        self._chosen = None
        target = self._find(message)
        source = self._sources(target.kind, self.mailbox.wait_free)
        self._fault = ""
        self._preview_due = None
        self.shield.aim(target, source.geometry, message.region)
        self.pipeline.begin(message.region, fixed=target.kind is TargetKind.SCREEN, size=message.size)
        source.start(target, self.pipeline.sink, self._fps)
        self._source, self._chosen = source, chosen

    def _find(self, message: Source) -> Target:
        if message.kind == TargetKind.DRAWN:
            return DrawnSource().targets()[0]
        for target in self._targets():
            if target.id == message.target:
                return target
        raise CaptureError("target_gone", message.target)

    def stop(self) -> None:
        """Stop capturing. Idempotent."""
        with self._lock:
            if self._source is not None:
                self._source.stop()
            self.shield.stop()

    def _preview(self, picture: Picture) -> None:
        now = now_us()
        every = _PREVIEW_LIVE_US if self.gate.open else _PREVIEW_US
        soon = now - self._preview_us < every
        self._preview_due = picture if self._preview_on and soon else None
        if self._preview_on and not soon:
            self._preview_us = now
            self.painter.put(replace(shown_from_picture(picture), tiles=None))


def _item(target: Target) -> TargetItem:
    rect = target.rect
    return TargetItem(
        target.id, target.kind.value, target.title, (rect.x, rect.y, rect.width, rect.height), target.scale
    )
