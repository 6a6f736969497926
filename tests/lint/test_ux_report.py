# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of UX requirements: what has no proof, or one that did not hold, is not called proved."""

from __future__ import annotations

import json
from pathlib import Path

from tests.ux_report import bench_results, junit_results, lines

_REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="test_good"/>
<testcase classname="tests.a" name="test_bad"><failure message="no"/></testcase>
<testcase classname="tests.a" name="test_left_out"><skipped message="no display"/></testcase>
</testsuite></testsuites>"""


def test_a_requirement_counts_by_its_worst_proof(tmp_path: Path) -> None:
    """Missing, failed and not run are told apart, and named."""
    (tmp_path / "tests.xml").write_text(_REPORT)
    results = junit_results([tmp_path / "tests.xml"])
    names = {
        "UX-01": ["tests.a::test_good"],
        "UX-02": ["tests.a::test_good", "tests.a::test_bad", "tests.a::test_left_out"],
        "UX-03": ["tests.a::test_left_out"],
        "UX-04": ["tests.a::test_nobody_ran"],
    }
    table = lines({f"UX-0{n}": "words" for n in range(1, 6)}, names, results)
    assert [line.result for line in table] == ["passed", "failed", "not run", "not run", "missing"]
    assert table[1].not_well == ["tests.a::test_bad", "tests.a::test_left_out"]


def test_a_figure_beyond_its_goal_fails_its_requirement(tmp_path: Path) -> None:
    """Gates of benchmarks stand beside the tests; reports without such gates do no harm."""
    gates = [
        {"id": "search_p95_ms", "value": 70, "limit": 50, "pass": False, "ux": ["UX-06"]},
        {"id": "plain", "value": 1, "limit": 2, "pass": True},
    ]
    (tmp_path / "ui.json").write_text(json.dumps({"gates": gates}))
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "broken.json").write_text("{")
    proofs, results = bench_results(tmp_path)
    assert list(proofs) == ["UX-06"]
    assert [line.result for line in lines({"UX-06": "words"}, proofs, results)] == ["failed"]
