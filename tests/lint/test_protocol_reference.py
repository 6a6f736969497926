# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of docs/protocol-reference.md are all there: what the code can say has a sentence, and nothing else has."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

from app.domain import wire_words as words
from app.domain.changes import CHANGES
from sync.server.web import wire
from tests.lint.protocol_reference import problems_in_code, refusals_in_code


def test_every_word_of_refusal_has_its_sentence() -> None:
    """Whoever writes a client finds each `rejected` code, and none that cannot come."""
    assert refusals_in_code() == set(words.REFUSALS)


def test_every_problem_has_its_status_and_what_to_do() -> None:
    """The table names what the server's code raises, with the status that it raises it with."""
    said = {(status, code) for code, (statuses, *_) in words.PROBLEMS.items() for status in statuses}
    spoken_by_wire = {(405, "method"), (415, "malformed"), (500, "error")}
    strings = {
        n.value for n in ast.walk(ast.parse(Path(str(wire.__file__)).read_text("utf-8"))) if isinstance(n, ast.Constant)
    }
    assert {code for _, code in spoken_by_wire} <= strings
    assert said == problems_in_code() | spoken_by_wire


def test_every_argument_is_described() -> None:
    """No argument of a mutation goes without a sentence, and none is described that does not exist."""
    named = {(name, field.name) for name, (_, kind) in CHANGES.items() for field in dataclasses.fields(kind)}
    missing = [f"{n}.{f}" for n, f in sorted(named) if f"{n}.{f}" not in words.ARGUMENTS and f not in words.ARGUMENTS]
    assert missing == []
    known = {f for _, f in named} | {f"{n}.{f}" for n, f in named}
    assert set(words.ARGUMENTS) - known == set()
    assert set(words.BASES) <= set(CHANGES)
