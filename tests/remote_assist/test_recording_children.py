# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording over a real connection: two session children, masks, a pause, the word that takes it back, and a kill."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from app.domain.assist import Scope
from remote_assist.actions import AskScope, RecordingChanged, RecordingWanted
from remote_assist.agent_end import AgentEnd
from remote_assist.recorder import part_name, still_name
from remote_assist.sealed_file import BadSeal, SealedReader
from tests.remote_assist.test_pair_with_children import Pair

SECRET = b"r" * 32
MASK = (320, 128, 256, 192)
INSIDE = (slice(136, 312), slice(328, 568))  # what surely lies under it


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def end(pair: Pair) -> AgentEnd:
    assert isinstance(pair.world.agent_end, AgentEnd)
    return pair.world.agent_end


def pictures(path: Path) -> list[tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]:
    """Return time in ms and pixels of what is on the disk now; nothing while that is no film yet."""
    try:
        with SealedReader(path, SECRET) as reader, av.open(reader, "r") as film:
            decoded = list(film.decode(film.streams.video[0]))
    except (OSError, BadSeal, av.FFmpegError, IndexError):
        return []
    return [(round((frame.time or 0) * 1000), frame.to_ndarray(format="gray").astype(np.uint8)) for frame in decoded]


def begin(pair: Pair, folder: Path) -> None:
    """The agent presses Record, the customer allows it."""
    world = pair.world
    pair.to_verified()
    pair.perform(world.customer, world.customer_end.set_masks([MASK]))
    pair.more_frames(5)
    pair.perform(world.agent, end(pair).record())
    pair.until(lambda: world.customer.of(AskScope))
    assert not list(folder.iterdir())
    pair.perform(world.customer, world.customer_end.grant(Scope.RECORDING))
    pair.until(lambda: world.agent.of(RecordingWanted))
    pair.perform(world.agent, end(pair).recording_place(str(folder), SECRET))
    pair.until(lambda: world.agent.of(RecordingChanged) and world.agent.last(RecordingChanged).state.on)


@pytest.mark.slow
@pytest.mark.ux("UX-41", "UX-53")
def test_what_was_shown_and_not_hidden_is_kept_until_it_is_taken_back(pair: Pair, tmp_path: Path) -> None:
    """Film and picture play, hidden pixels are one colour in both, and after the click nothing is added."""
    world = pair.world
    begin(pair, tmp_path)
    pair.more_frames(20)
    pair.perform(world.agent, end(pair).keep_still())
    pair.until(lambda: world.agent.last(RecordingChanged).state.stills)
    pair.perform(world.customer, world.customer_end.revoke(Scope.RECORDING))
    pair.until(lambda: not world.agent.last(RecordingChanged).state.on)
    pair.until(lambda: world.customer.entries().count("recording") == 3)
    kept = (tmp_path / part_name(1)).read_bytes()
    pair.more_frames(10)
    assert (tmp_path / part_name(1)).read_bytes() == kept
    film = pictures(tmp_path / part_name(1))
    assert len(film) >= 20
    assert all(before < after for (before, _), (after, _) in itertools.pairwise(film))
    for _at, picture in film + pictures(tmp_path / still_name(1)):
        assert int(picture[INSIDE].max()) - int(picture[INSIDE].min()) <= 2
        assert picture.std() > 5
    assert b"\x1a\x45\xdf\xa3" not in kept
    assert sorted(path.name for path in tmp_path.iterdir()) == [part_name(1), still_name(1)]


@pytest.mark.slow
def test_a_killed_child_leaves_a_film_and_its_successor_goes_on(pair: Pair, tmp_path: Path) -> None:
    """SIGKILL in mid-recording: what there was plays, and a second part begins by itself; the end completes it."""
    world = pair.world
    begin(pair, tmp_path)
    pair.until(lambda: len(pictures(tmp_path / part_name(1))) >= 10)
    os.kill(pair.links["agent"].pid, signal.SIGKILL)
    pair.until(lambda: world.agent.last(RecordingChanged).state.parts == 2)
    assert len(pictures(tmp_path / part_name(1))) >= 10
    pair.more_frames(5)
    ending = pair.links["agent"]
    pair.perform(world.agent, world.agent_end.stop())
    assert ending.wait(30) == 0
    assert len(pictures(tmp_path / part_name(2))) >= 4
    with SealedReader(tmp_path / part_name(2), SECRET) as reader, av.open(reader, "r") as film:
        assert film.duration  # it was ended as a film should be, with its length in front
