# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own two session children between two window stubs, over the real path."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from remote_assist.child_protocol import (
    End,
    Ended,
    Fault,
    Fingerprint,
    Frame,
    FromChild,
    Grants,
    Keep,
    ListTargets,
    LocalSdp,
    Open,
    PeerState,
    Ready,
    RemoteSdp,
    Source,
    Start,
    Stats,
    TargetItem,
    Targets,
    View,
)
from remote_assist.ipc import ChildLink, LinkClosed, spawn_child
from remote_assist.shm import FrameInfo
from tests.bench._relay import Relay

M = TypeVar("M")
Luma = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


@dataclass
class Stub:
    """Stands in for a window: reads its child in a thread, keeps the newest of each kind of message."""

    link: ChildLink
    inbox: queue.Queue[FromChild] = field(default_factory=queue.Queue)
    stats: dict[str, float] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    frames: queue.Queue[Frame] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                message = self.link.receive()
            except LinkClosed:
                return
            if isinstance(message, Frame):
                self.frames.put(message)
            elif isinstance(message, Stats):
                self.stats = message.values
            elif isinstance(message, Fault):
                self.faults.append(message)
            else:
                self.inbox.put(message)

    def want(self, kind: type[M], timeout_s: float = 60) -> M:
        """Return the next message of this kind; others are passed over. Raises queue.Empty."""
        end = time.perf_counter() + timeout_s
        while True:
            message = self.inbox.get(timeout=max(0.001, end - time.perf_counter()))
            if isinstance(message, kind):
                return message

    def want_frame(self, timeout_s: float = 60) -> Frame:
        """Return the next picture notice. Raises queue.Empty."""
        return self.frames.get(timeout=timeout_s)

    def end(self) -> Ended:
        """End the child in order and reap it."""
        self.link.send(End())
        ended = self.want(Ended, 30)
        self.link.wait(30)
        self.link.close()
        self._thread.join(5)
        return ended

    def drop(self) -> None:
        """Kill the child and reap it. Idempotent."""
        self.link.kill()
        self.link.close()
        self._thread.join(5)


def start(role: str, env: Mapping[str, str] | None = None, limits: Mapping[str, int] | None = None) -> Stub:
    """Start a child and wait until it is ready."""
    stub = Stub(spawn_child(role, env=env))
    stub.link.send(Start(role, dict(limits or {})))
    stub.want(Ready)
    return stub


def share(customer: Stub, kind: str = "") -> TargetItem:
    """Choose the first target of this kind, or the first of all."""
    customer.link.send(ListTargets(1))
    items = customer.want(Targets).items
    item = next(item for item in items if not kind or item.kind == kind)
    customer.link.send(Source(item.id, item.kind, preview=False))
    return item


def connect(
    customer: Stub,
    agent: Stub,
    epoch: int = 0,
    relay: Relay | None = None,
    ice: Mapping[str, list[dict[str, str]]] | None = None,
) -> None:
    """Open an epoch on both ends, through `relay` if given, and wait until `ctl` is open.

    With `ice` servers, by role, by relayed addresses alone.
    """
    for role, stub in (("customer", customer), ("agent", agent)):
        stub.link.send(Open(epoch, 0, ice[role], relay_only=True) if ice else Open(epoch))
    theirs, ours = customer.want(Fingerprint).sha256, agent.want(Fingerprint).sha256
    offer = customer.want(LocalSdp).sdp
    offer = relay.between(offer, of_customer=True) if relay is not None else offer
    agent.link.send(RemoteSdp(epoch, "offer", offer, theirs))
    answer = agent.want(LocalSdp).sdp
    answer = relay.between(answer, of_customer=False) if relay is not None else answer
    customer.link.send(RemoteSdp(epoch, "answer", answer, ours))
    for stub in (customer, agent):
        while True:
            state = stub.want(PeerState)
            if state.epoch == epoch and state.channels_open:
                break
    for stub in (customer, agent):
        stub.link.send(Keep(epoch))


def grant_view(customer: Stub, seq: int = 1) -> None:
    """Let pictures flow."""
    customer.link.send(Grants(seq, ["view"]))


def show(agent: Stub, width: int = 0, height: int = 0) -> None:
    """Set the size of the view."""
    agent.link.send(View(width, height))


def newest_strip(stub: Stub, rows_wanted: int) -> tuple[FrameInfo, Luma] | None:
    """Return the first rows of the newest picture's green channel, which stands for luma."""
    return strip_of(stub.link, rows_wanted)


def strip_of(link: ChildLink, rows_wanted: int) -> tuple[FrameInfo, Luma] | None:
    """Return the same of a child that somebody else drives."""

    def copy(info: FrameInfo, rows: memoryview) -> Luma:
        count = min(rows_wanted, info.height)
        pixels = np.frombuffer(rows[: count * info.stride], np.uint8).reshape(count, info.stride)
        return pixels[:, 1 : info.width * 4 : 4].copy()

    return link.frames.read(copy)
