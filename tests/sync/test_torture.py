# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of a torture run sees what it must: a run that finds nothing means something."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.entities import CONFLICT, NOTE, Value, team_scope, user_scope
from app.domain.ids import new_id
from sync.server.access import add_scope
from sync.server.bulk import load_rows
from sync.server.store import Store, sqlite_url
from tests.sync.torture_checks import judge, read_journals


@dataclass
class _Row:
    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


def test_a_lost_a_doubled_and_a_held_word_are_each_found(tmp_path: Path) -> None:
    """Of four notes one arrived, one is there twice, one waits for its author, one is gone; and one sum is wrong."""
    arrived, twice, held, gone, begun = (new_id().hex() for _ in range(5))
    team, me = team_scope(new_id()), user_scope(new_id())
    rows = [_Row(NOTE.number, new_id(), team, {"body": f"note {token}"}) for token in (arrived, twice, twice)]
    rows.append(_Row(CONFLICT.number, new_id(), me, {"kind": "stale_reply", "mine": f'{{"body":"note {held}"}}'}))
    url = sqlite_url(tmp_path)
    store = Store.open(url)
    for scope in (team, me):
        store.write(lambda cx, scope=scope: add_scope(cx, scope))  # type: ignore[misc]  # bound now
    store.write(lambda cx: load_rows(cx, rows))
    lines = [f"{word} note {token}" for token in (arrived, twice, held, gone) for word in ("try", "done")]
    lines += [f"try note {begun}", "done note 0123"]  # killed before its commit; cut in the middle of a line
    (tmp_path / "journal").write_text("\n".join(lines))
    tried, done = read_journals([tmp_path])
    verdict = judge(url, tried, done, [])
    assert (verdict.lost, verdict.doubled) == ([f"note {gone}"], [f"note {twice}"])
    assert (verdict.held, verdict.wrong_sums) == (1, [])
    store.write(lambda cx: cx.exec_driver_sql("DELETE FROM note WHERE seq = 1"))
    assert judge(url, tried, done, []).wrong_sums == [team]
    store.close()
