# SPDX-License-Identifier: GPL-3.0-or-later
"""UX requirements: each id of docs/ux-ids.toml has a test marked with it, or waits in tests/ux_pending.toml.

The waiting list may only shrink: it is compared with the committed one and the one before. `--missing` prints the ids
without a test, `--shrink` takes those out of the waiting list that have one now.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IDS = "docs/ux-ids.toml"
PENDING = "tests/ux_pending.toml"
_HEAD = "# Requirements without a test. May only shrink: python -m tests.lint.ux_ids --shrink\npending = [\n"


def marked_ids(text: str) -> Iterator[str]:
    """The ids in `@pytest.mark.ux("UX-nn", …)` of a test file, also in `pytestmark` and `pytest.param(marks=…)`.

    A mark on a function that is no test proves nothing.
    """
    tree = ast.parse(text)
    helpers = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and not f.name.startswith("test")]
    lost = {id(mark) for helper in helpers for mark in helper.decorator_list}
    for node in ast.walk(tree):
        if id(node) in lost:
            continue
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(function, ast.Attribute) and function.attr == "ux":
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def complaints(known: Iterable[str], tested: Iterable[str], pending: Iterable[str], before: Iterable[str]) -> list[str]:
    """What is wrong. `before` is the list of waiting ids as it was committed; empty if there was none."""
    known_set, tested_set, pending_set, before_set = set(known), set(tested), set(pending), set(before)
    return [
        *(f"{id_}: a test names it, but {IDS} does not know it" for id_ in sorted(tested_set - known_set)),
        *(f"{id_}: stands in {PENDING}, but {IDS} does not know it" for id_ in sorted(pending_set - known_set)),
        *(f"{id_}: no test proves it" for id_ in sorted(known_set - tested_set - pending_set)),
        *(f"{id_}: has a test now, take it out of {PENDING}" for id_ in sorted(pending_set & tested_set)),
        *(
            f"{id_}: {PENDING} may only shrink, but this id is new in it"
            for id_ in sorted(pending_set - before_set)
            if before_set
        ),
    ]


def _committed(revision: str) -> set[str] | None:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "show", f"{revision}:{PENDING}"], capture_output=True, text=True, check=False
    )
    return set(tomllib.loads(done.stdout)["pending"]) if done.returncode == 0 else None


def _allowed_before() -> set[str]:
    """Ids that stood in the list in the last commit and in the one before, as far as there are such lists."""
    lists = [ids for revision in ("HEAD", "HEAD^") if (ids := _committed(revision)) is not None]
    return set.intersection(*lists) if lists else set()


def main(argv: list[str]) -> int:
    """Run the check; 0 if all is well."""
    known = tomllib.loads((ROOT / IDS).read_text("utf-8"))["requirements"]
    pending = tomllib.loads((ROOT / PENDING).read_text("utf-8"))["pending"]
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    tested = {id_ for path in tests for id_ in marked_ids(path.read_text("utf-8"))}
    if "--missing" in argv:
        print("\n".join(id_ for id_ in known if id_ not in tested))
        return 0
    if "--shrink" in argv:
        pending = [id_ for id_ in pending if id_ not in tested]
        (ROOT / PENDING).write_text(_HEAD + "".join(f'    "{id_}",\n' for id_ in pending) + "]\n", "utf-8")
    faults = complaints(known, tested, pending, _allowed_before())
    print("\n".join(faults) or f"{len(tested)} UX requirements have tests, {len(pending)} wait")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
