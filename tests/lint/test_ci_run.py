# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change must pass runs every longer suite: one that stands in no list is noticed here."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = "pytest." + "mark.slow"
# longer on purpose than a change has time for, or run by a target of their own
ELSEWHERE = {
    "tests/remote_assist/test_peers.py": "make peers",
    "tests/server/test_bad_messages.py": "more examples of what `make test` runs",
    "tests/unit/test_rules_at_random.py": "more examples of what `make test` runs",
}


def test_every_longer_suite_is_run_by_ci_or_named_with_its_reason() -> None:
    """A new file of slow tests that nobody put into `.ci/run` would never run."""
    run = (ROOT / ".ci" / "run").read_text("utf-8")
    words = set(run.replace('"', " ").split())
    slow = {
        path.relative_to(ROOT)
        for path in (ROOT / "tests").rglob("test_*.py")
        if MARK in path.read_text("utf-8")
    }  # fmt: skip
    assert len(slow) > len(ELSEWHERE)
    lost = sorted(
        str(path)
        for path in slow
        if str(path) not in ELSEWHERE and not words & {str(path), *map(str, path.parents)}
    )  # fmt: skip
    assert lost == []


def test_what_is_run_elsewhere_is_run_there() -> None:
    """No entry outlives its file, and `.ci/run` calls the target."""
    assert [name for name in ELSEWHERE if not (ROOT / name).is_file()] == []
    assert "make peers" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert "tests/remote_assist/test_peers.py" in (ROOT / "Makefile").read_text("utf-8")
