# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs: useful to support, and nothing in them that a customer wrote."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app.config import logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def _lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "agent.log").read_text("utf-8").splitlines()]


def test_a_log_tells_what_happened_but_no_personal_text(tmp_path: Path) -> None:
    """Numbers, codes and ids are kept; subjects, names and addresses are not."""
    with logs.configure(tmp_path, "agent"):
        logs.get_logger("sync").info(
            "push answered",
            mutations=3,
            code="ok",
            ticket=bytes(range(16)),
            subject="환불 문의",
            mail="kim@desk.test",
        )
    (line,) = _lines(tmp_path)
    assert (line["event"], line["mutations"], line["code"]) == ("push answered", 3, "ok")
    assert line["ticket"] == bytes(range(16)).hex()
    assert (line["process"], line["level"], line["logger"]) == ("agent", "info", "sync")
    raw = (tmp_path / "agent.log").read_text("utf-8")
    assert "환불" not in raw
    assert "kim@" not in raw


def test_an_exception_leaves_its_place_and_not_its_message(tmp_path: Path) -> None:
    """A message may quote what a person typed."""
    with logs.configure(tmp_path, "agent"):
        try:
            int("my password is 1234")
        except ValueError:
            logs.get_logger("store").exception("reading failed")
    (line,) = _lines(tmp_path)
    assert line["error"] == "ValueError"
    assert "test_logs.py" in str(line["exception"])
    assert "1234" not in (tmp_path / "agent.log").read_text("utf-8")


def test_what_libraries_log_is_kept_without_what_they_fill_in(tmp_path: Path) -> None:
    """Addresses and URLs in library messages stay out."""
    with logs.configure(tmp_path, "agent"):
        logging.getLogger("httpx").warning("retry %s", "https://desk.example/t/환불")
        logging.getLogger("httpx").warning("retry https://desk.example/t/kim")
    assert [line["event"] for line in _lines(tmp_path)] == ["retry %s", "library message"]


def test_logs_take_at_most_three_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs for months does not fill the disk."""
    monkeypatch.setattr(logs, "MAX_BYTES", 500)
    with logs.configure(tmp_path, "agent"):
        for number in range(50):
            logs.get_logger("sync").info("tick", number=number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.log", "agent.log.1", "agent.log.2"]


def test_closing_a_log_twice_is_harmless(tmp_path: Path) -> None:
    """Programs close their log on every way out."""
    log = logs.configure(tmp_path, "agent", to_stderr=True)
    log.close()
    log.close()
    assert logging.getLogger().handlers == [h for h in logging.getLogger().handlers if "agent.log" not in str(h)]
