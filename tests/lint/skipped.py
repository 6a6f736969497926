# SPDX-License-Identifier: GPL-3.0-or-later
"""Fails where a test was skipped: `python -m tests.lint.skipped REPORT`, a file that pytest wrote with `--junitxml`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET


def skipped(report: Path) -> list[str]:
    """Return the tests that were skipped, each with its reason."""
    cases = ET.parse(report).iter("testcase")  # noqa: S314  # pytest wrote it a moment ago
    found = ((case.get("name", ""), case.find("skipped")) for case in cases)
    return [f"{name}: {why.get('message', '')}" for name, why in found if why is not None]


def main(arguments: Sequence[str]) -> int:
    """Print what was skipped; 1 if anything was."""
    found = [line for report in arguments for line in skipped(Path(report))]
    for line in found:
        print(f"skipped, which here no test may be: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
