# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that the canaries of our patches of aiortc sing: what each of them watches is changed once, and it must fail.

`python -m tests.remote_assist.canaries [--json FILE] [--jobs N]`. For each recorded source the library's own text is
changed as this process reads it; for each behaviour the patch that brings it about is taken back. Exit 1 when a canary
is silent, or when a test of the canaries stands in no list.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.remote_assist.controls.base import Control
from tests.remote_assist.controls.canaries import BEHAVIOUR, UNWATCHED
from tests.remote_assist.threats import ROOT, prove, report, stale, warm

_FILE = "tests/remote_assist/test_aiortc_canary.py"
_HASH = "test_the_code_we_change_is_the_code_we_read"


def sources() -> list[Control]:
    """One for each recorded source."""
    from tests.remote_assist.test_aiortc_canary import TOUCHED

    says = "changed: read it, then record the new hash"
    return [Control(0, f"source of {name}", (f"{_FILE}::{_HASH}[{name}]",), (), says, spoils=name) for name in TOUCHED]


def forgotten() -> list[str]:
    """Return the canaries that nothing here makes sing."""
    found = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / _FILE).read_text(), re.MULTILINE)
    known = {control.tests[0].rpartition("::")[2] for control in BEHAVIOUR} | {_HASH, *UNWATCHED}
    return sorted(set(found) - known)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.remote_assist.canaries", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the result here")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args(argv)
    os.chdir(ROOT)
    warm()
    if problems := [*forgotten(), *stale(BEHAVIOUR)]:
        print("\n".join(["not watched, or moved:", *problems]))
        return 1
    chosen = [*sources(), *BEHAVIOUR]
    return report(chosen, *prove(chosen, args.jobs), args.json)


if __name__ == "__main__":
    sys.exit(main())
