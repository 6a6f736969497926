# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between real programs: a real server, both windows, both session children, one of them killed in the middle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.wait import wait_until
from tests.journeys.stage import Stage

pytestmark = pytest.mark.slow

BIG = hashlib.shake_256(b"a few megabytes").digest(5 << 20)
SMALL = BIG[: 300 << 10]


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server and both clients."""
    made = Stage(tmp_path_factory.mktemp("files"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


def place(stage: Stage, name: str) -> Path:
    folder = stage.folder / f"downloads of the {name}"
    folder.mkdir(exist_ok=True)
    return folder


def made(stage: Stage, name: str, content: bytes) -> str:
    path = stage.folder / name
    path.write_bytes(content)
    return str(path)


def found(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_go_both_ways_by_a_yes_each_and_outlive_a_killed_child(stage: Stage) -> None:
    """Five megabytes with a break, a no, one of the customer's; the record and the summary name what happened."""
    stage.share()
    agent, customer = stage.agent, stage.companion
    here, there = place(stage, "agent"), place(stage, "customer")

    agent.order("offer_files", paths=[made(stage, "firmware notes.pdf", BIG)])
    read = customer.order("take_file", folder=str(there))["read"]
    assert "firmware notes.pdf" in read
    assert "5 MB" in read
    assert any(str(there) in text for text in read)
    assert customer.order("kill_child_at", name="firmware notes.pdf", count=1 << 20)["done"] < len(BIG)
    over = agent.order("file_over", name="firmware notes.pdf")
    assert over["code"] == ""
    assert found(there) == {"firmware notes.pdf": BIG}

    agent.order("ask_for_file", folder=str(here))
    read = customer.order("give_file", path=made(stage, "error.log", SMALL))["read"]
    assert "error.log" in read
    over = agent.order("file_over", name="error.log")
    assert over["code"] == ""
    assert Path(over["path"]).read_bytes() == SMALL
    assert found(here) == {"error.log": SMALL}

    agent.order("offer_files", paths=[made(stage, "second.pdf", b"2"), made(stage, "third.pdf", b"3")])
    customer.order("refuse_file")
    assert agent.order("file_over", name="second.pdf")["code"] == "refused"
    assert found(there) == {"firmware notes.pdf": BIG}

    sid = agent.order("session")["sid"]
    agent.order("end_session")
    wait_until(lambda: stage.record_of(sid).count("file") == 5, 60)
    customer.order("session", over=True)
    stage.finish()
