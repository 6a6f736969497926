# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording from the agent's press to a film that plays: real programs, a real server, a killed client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

FILM, PICTURE = b"\x1a\x45\xdf\xa3", b"\x89PNG"


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("recording"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def plain(folder: Path) -> list[Path]:
    """Return the files that begin like a film or a picture."""
    return [path for path in folder.rglob("*") if path.is_file() and path.read_bytes()[:8].startswith((FILM, PICTURE))]


def frames(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(film.streams.video[0]))


def test_what_was_allowed_is_on_the_ticket_and_plays(stage: Stage, tmp_path: Path) -> None:
    """Asked, allowed, taken back with one press; film and picture are saved from the ticket and play."""
    stage.share()
    stage.agent.order("record")
    assert stage.companion.order("allow_recording")["bar"] == "REC"
    assert stage.agent.order("keep_still")["frames"] > 0
    stage.companion.order("take_back_recording")
    over = stage.agent.order("recording_over")
    assert (over["problem"], over["parts"]) == ("", 1)
    assert plain(stage.folder / "agent") == []
    sid = stage.agent.order("session")["sid"]
    stage.agent.order("end_session")
    saved = stage.agent.order("save_recording", folder=str(tmp_path), files=2)
    assert saved["note"].startswith("Kept of the screen sharing")
    assert [name[-4:] for name in saved["names"]] == [".mkv", ".png"]
    assert frames(tmp_path / "0") > 5
    assert frames(tmp_path / "1") == 1
    assert plain(stage.folder / "agent") == []
    stage.agent.order("wait_sent")
    wait_until(lambda: stage.on_server(saved["note"]) == 1, 60)
    wait_until(lambda: stage.record_of(sid).count("recording") == 3, 60)
    stage.companion.order("session", over=True)
    stage.finish()


def test_a_client_that_is_killed_hands_its_recording_in_at_the_next_start(stage: Stage, tmp_path: Path) -> None:
    """kill -9 in mid-recording: the next start puts the film on the ticket, and it plays."""
    stage.share(3_000)
    stage.agent.order("record")
    stage.companion.order("allow_recording")
    stage.agent.order("keep_still")
    stage.kill("agent")
    stage.companion.order("session", over=True)
    stage.finish()
    stage.ready()
    saved = stage.agent.order("save_recording", folder=str(tmp_path), files=2)
    assert saved["note"].startswith("Kept of the screen sharing")
    assert frames(tmp_path / "0") > 5
    assert plain(stage.folder / "agent") == []
