# SPDX-License-Identifier: GPL-3.0-or-later
"""What proves each UX requirement, and how that came out: a table, and JSON.

`python -m tests.ux_report [--json FILE] [--reports FILE ...] [--but-waiting]`. Without reports (as pytest writes them
with `--junitxml`) the marked tests are run, the slow ones too. Figures of `make bench` stand beside them where there
are any: a missed goal counts as failed. Status 1 when a requirement has no test, or one that failed or did not run.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parents[1]
_PASSED, _FAILED, _NOT_RUN, _MISSING = "passed", "failed", "not run", "missing"


@dataclass(frozen=True, slots=True)
class Line:
    """A requirement, what proves it, and the worst result of that."""

    id: str
    requirement: str
    tests: Sequence[str]
    result: str
    not_well: Sequence[str]  # of the tests: those that failed or did not run


def lines(
    requirements: Mapping[str, str], proofs: Mapping[str, Iterable[str]], results: Mapping[str, str]
) -> list[Line]:
    """Put together what is required, what proves it (id to names) and how each came out (name to result)."""
    out = []
    for id_, text in requirements.items():
        names = sorted(proofs.get(id_, ()))
        came = {name: results.get(name, _NOT_RUN) for name in names}
        worst = next((r for r in (_FAILED, _NOT_RUN) if r in came.values()), _PASSED) if names else _MISSING
        out.append(Line(id_, text, names, worst, [name for name in names if came[name] != _PASSED]))
    return out


def junit_results(reports: Iterable[Path]) -> dict[str, str]:
    """Return "file::name" to result of what pytest reported; a test of several reports counts by its worst run."""
    out: dict[str, str] = {}
    for report in reports:
        for case in ET.parse(report).iter("testcase"):  # noqa: S314  # pytest wrote it
            name = f"{case.get('classname', '')}::{case.get('name', '')}"
            bad = case.find("failure") is not None or case.find("error") is not None
            result = _FAILED if bad else _NOT_RUN if case.find("skipped") is not None else _PASSED
            if out.get(name) != _FAILED and not (result == _NOT_RUN and name in out):
                out[name] = result
    return out


def bench_results(folder: Path) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Return proofs and results of benchmarks whose gates name requirements."""
    proofs: dict[str, set[str]] = defaultdict(set)
    results: dict[str, str] = {}
    for report in sorted(folder.glob("*.json")):
        with contextlib.suppress(ValueError, AttributeError):
            for gate in json.loads(report.read_text("utf-8")).get("gates", ()):
                name = f"bench {report.stem}: {gate['id']} {gate['value']} (goal {gate['limit']})"
                for id_ in gate.get("ux", ()):
                    proofs[id_].add(name)
                    results[name] = _PASSED if gate["pass"] else _FAILED
    return proofs, results


class _Marks:
    """A plugin of pytest that notes which test names which requirements."""

    def __init__(self) -> None:
        self.proofs: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("ux"):
                for id_ in mark.args:
                    self.proofs[id_].add(_junit_name(item.nodeid))


def _junit_name(nodeid: str) -> str:
    """Return a test's name as the XML report has it: the classname, then the name."""
    path, _, rest = nodeid.partition("::")
    *classes, name = rest.split("::")
    return ".".join([path.removesuffix(".py").replace("/", "."), *classes]) + "::" + name


def _collected() -> dict[str, set[str]]:
    marks = _Marks()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = pytest.main(["--collect-only", "-q", "-m", "ux", "-p", "no:randomly", str(ROOT / "tests")], [marks])
    if status != 0:
        raise SystemExit(said.getvalue())
    return marks.proofs


def _run() -> Path:
    """Run the marked tests, the slow ones too; what fails is in the report."""
    report = ROOT / "build" / "ux" / "tests.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    workers = str((os.cpu_count() or 1) + 1)
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadfile", "-m", "ux"]
    subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, check=False)
    return report


def main() -> int:
    """Print the table, write the file; the status says whether every requirement is proved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--reports", type=Path, nargs="*")
    parser.add_argument("--bench", type=Path, default=ROOT / "build" / "bench", help="reports of make bench")
    parser.add_argument(
        "--but-waiting", action="store_true", help="requirements of tests/ux_pending.toml may lack proof"
    )
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    requirements = tomllib.loads((ROOT / "docs" / "ux-ids.toml").read_text("utf-8"))["requirements"]
    proofs = _collected()
    results = junit_results(args.reports if args.reports is not None else [_run()])
    measured, gates = bench_results(args.bench)
    for id_, names in measured.items():
        proofs[id_] |= names
    table = lines(requirements, proofs, results | gates)
    _tell(table)
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        report: dict[str, Any] = {"schema": 1, "requirements": [asdict(line) for line in table]}
        args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    waiting = (
        tomllib.loads((ROOT / "tests" / "ux_pending.toml").read_text("utf-8"))["pending"] if args.but_waiting else ()
    )
    return 0 if all(line.result == _PASSED or (line.result == _MISSING and line.id in waiting) for line in table) else 1


def _tell(table: Sequence[Line]) -> None:
    for line in table:
        proof = f"{len(line.tests)} tests" if len(line.tests) > 1 else "".join(line.tests)
        print(f"{line.id}  {line.result:8}  {line.requirement[:70]:70}  {proof}")
        for name in line.not_well:
            print(f"{'':16}  {name}")
    good = sum(line.result == _PASSED for line in table)
    print(f"{good} of {len(table)} requirements proved")


if __name__ == "__main__":
    sys.exit(main())
