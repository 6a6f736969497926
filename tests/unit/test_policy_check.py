# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside policy`: an administrator reads what is wrong, where, and no file makes it fall over."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config.i18n import set_language
from app.config.policy import Level, read_policy
from app.config.policy_check import check
from app.config.policy_schema import policies
from app.config.policy_view import policy_rows
from app.config.settings import Settings
from app.entry.policy import main

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="policy files are read on Linux alone")

_LETTERS = '{}[]",:\\ \n\t0127eEu.-tfnaN사'
_ALL = {"session.allow_files": False, "ui.theme": "dark", "composer.undo_send_s": 10}


def run(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The command as an administrator runs it in English: exit status and what it prints."""
    status = main(["--language", "en", *argv])
    set_language("en")
    return status, capsys.readouterr().out


def lay(folder: Path, name: str, text: str) -> Path:
    """A file with that text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(0o644)
    return path


def test_a_good_file_is_called_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else is printed but whose file it would have to be."""
    status, out = run(["check", str(lay(tmp_path, "a.json", json.dumps(_ALL)))], capsys)
    assert status == 0
    assert "error" not in out


def test_each_mistake_is_told_with_line_column_and_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown, nearly known, a person's own, wrong type, out of range, twice: all in one go."""
    lines = [
        "{", '  "session.allow_control": "no",', '  "session.alow_files": false,', '  "ui.keys": "x",',
        '  "session.max_minutes": 900,', '  "ui.theme": "dark",', '  "ui.theme": "light"', "}",
    ]  # fmt: skip
    path = lay(tmp_path, "a.json", "\n".join(lines))
    status, out = run(["check", str(path)], capsys)
    assert status == 1
    for expected in (
        f'{path}:2:3: error: “session.allow_control” takes true or false. Here stands "no". '
        "To be safe the strictest counts: false.",
        f"{path}:3:3: error: This version knows no policy “session.alow_files”. "
        "Perhaps “session.allow_files” is meant?",
        f"{path}:4:3: error: “ui.keys” is each person's own choice; an organisation cannot set it.",
        f"{path}:5:3: error: “session.max_minutes” takes a whole number from 5 to 60. Here stands 900. "
        "To be safe the strictest counts: 5.",
        f"{path}:7:3: error: “ui.theme” stands in line 6 already; the later one counts.",
    ):
        assert expected in out.splitlines()


def test_it_speaks_korean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the file itself is broken."""
    path = lay(tmp_path, "a.json", '{\n "ui.theme": dark\n}')
    assert main(["--language", "ko", "check", str(path)]) == 1
    set_language("en")
    out = capsys.readouterr().out
    assert f"{path}:2:14: 오류:" in out
    assert "적용하지 않습니다" in out


@pytest.mark.parametrize(
    ("text", "line"),
    [('{\n  "ui.theme": "dark"\n  "ui.motion": "full"\n}', 3), ('{\n"ui.theme" "dark"}', 2), ("[1]", 1),
     ('{"a": 1', 1), ('{"a": 1}\n\n}', 3), ('{\n"a": "x\ny"}', 2), ('{\n\n"a": NaN}', 3), ("", 1),
     ('{"a":\n' + "1" * 5000 + "}", 2), ('{"a":\n' + "[" * 200_000 + "}", 2)],
)  # fmt: skip
def test_a_file_that_is_no_json_is_told_with_the_line_of_its_mistake(tmp_path: Path, text: str, line: int) -> None:
    """And counts for nothing, as for the program itself."""
    path = lay(tmp_path, "a.json", text)
    (found,) = [one for one in check([path]) if one.level is Level.ERROR]
    assert found.line == line
    assert "Nothing in this file counts." in found.text


def test_no_hostile_file_stops_the_check_or_reaches_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Huge, deep, of half characters, with orders for the terminal, a pipe, a loop of links, nothing at all."""
    lay(tmp_path, "huge.json", '{"ui.theme": "' + "x" * (2 << 20) + '"}')
    lay(tmp_path, "many.json", json.dumps({f"k{n}": n for n in range(5_000)}))
    lay(tmp_path, "unknown.json", json.dumps({f"k{n}": n for n in range(500)}))
    lay(tmp_path, "half.json", '{"server.url": "\\ud800", "\\udfff": 1}')
    lay(tmp_path, "orders.json", '{"ui.theme": "\\u001b[2J", "\\u001b]0;x\\u0007": 1, "server.url": "a\\u0000b"}')
    lay(tmp_path, "inside.json", '{"session.mask_windows": ' + "[" * 900 + "]" * 900 + "}")
    (tmp_path / "bytes.json").write_bytes(b'{"ui.theme":\n"\xff\xfe"}')
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "nowhere.json").symlink_to("not-there")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    status, out = run(["check", str(tmp_path)], capsys)
    assert status == 1
    assert "\x1b" not in out
    for name in ("huge", "many", "half", "orders", "inside", "bytes", "loop", "nowhere", "folder", "pipe"):
        assert any(f"{name}.json" in line and ": error: " in line for line in out.splitlines()), name
    assert sum("unknown.json" in line for line in out.splitlines()) < 60
    assert read_policy(tmp_path, owner=os.getuid()).values == {}
    assert run(["check", str(tmp_path / "gone" / "a.json")], capsys)[0] == 1
    assert run(["check", "x" * 5_000], capsys)[0] == 1


def test_a_file_with_a_mark_of_its_encoding_counts_like_any_other(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(_ALL).encode())
    assert not [found for found in check([path]) if found.level is not Level.HINT]


def test_in_its_place_a_file_of_somebody_else_does_not_count_and_elsewhere_that_is_only_noted(tmp_path: Path) -> None:
    """A draft may be anybody's."""
    path = lay(tmp_path / "managed", "a.json", json.dumps(_ALL))
    strange = os.getuid() + 1
    (hint,) = check([path], owner=strange)
    assert hint.level is Level.HINT
    found = check([path], owner=strange, place=tmp_path)
    assert [one.level for one in found] == [Level.ERROR]
    assert "could be changed by others" in found[0].text
    assert check([path], owner=os.getuid(), place=tmp_path) == []


def test_a_folder_that_others_may_empty_and_files_that_nobody_reads_are_told(tmp_path: Path) -> None:
    """In the place itself."""
    folder = tmp_path / "managed"
    lay(folder, "a.json", "{}")
    lay(folder, "b.yaml", "{}")
    folder.chmod(0o777)
    found = check([folder], owner=os.getuid(), place=tmp_path)
    assert ["take files out" in one.text or "not read" in one.text for one in found] == [True, True]


def test_a_link_is_told_with_where_it_leads(tmp_path: Path) -> None:
    """Tools that hand out files lay links; the file behind it counts."""
    lay(tmp_path, "real.json", json.dumps(_ALL))
    (tmp_path / "a.json").symlink_to("real.json")
    found = check([tmp_path / "a.json"], owner=os.getuid())
    assert ["link to real.json" in one.text for one in found] == [True]


def test_what_cannot_take_effect_beside_something_else_is_a_warning(tmp_path: Path) -> None:
    """It ends with 1 only where that was asked for."""
    lay(tmp_path / "managed", "a.json", '{"session.enabled": false,\n"session.max_minutes": 10, "ui.theme": "dark"}')
    lay(tmp_path / "managed", "b.json", '{"ui.motion": "full"}')
    lay(tmp_path / "managed", "c.json", '{"ui.motion": "reduced"}')
    lay(tmp_path / "recommended", "a.json", '{"ui.theme": "light", "session.enabled": true}')
    found = check([tmp_path / "managed", tmp_path / "recommended"], owner=os.getuid(), place=tmp_path)
    told = {(one.path.parent.name, one.key, one.line): one for one in found}
    assert told["managed", "session.max_minutes", 2].level is Level.WARNING
    assert "a.json" not in told["managed", "ui.motion", 1].path.name
    assert "sets it for good" in told["recommended", "ui.theme", 1].text
    assert told["recommended", "session.enabled", 1].level is Level.ERROR
    only = str(tmp_path / "managed" / "a.json")
    assert main(["check", only]) == 0
    assert main(["check", "--strict", only]) == 1


def test_findings_come_as_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The pipeline that hands the files out can refuse them."""
    status, out = run(["check", "--json", str(lay(tmp_path, "a.json", '{"x": 1}'))], capsys)
    answer = json.loads(out)
    assert (status, answer["fine"]) == (1, False)
    assert answer["findings"][0] | {"text": ""} == {
        "file": str(tmp_path / "a.json"), "line": 1, "column": 2, "key": "x", "level": "error", "text": "",
    }  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=200), st.text(_LETTERS, max_size=60).map(str.encode)))
def test_no_bytes_at_all_raise(tmp_path: Path, data: bytes) -> None:
    """Whatever lies there: the check says something or nothing, and the program starts."""
    path = tmp_path / "a.json"
    path.write_bytes(data)
    check([path])
    read_policy(tmp_path, owner=os.getuid())


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from([setting.key for setting in policies()]), _JSON, max_size=4))
def test_what_the_check_calls_good_is_what_the_program_takes(tmp_path: Path, values: dict[str, object]) -> None:
    """And what the program takes has the value that stands there, and can be shown."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(values), "utf-8")
    path.chmod(0o644)
    wrong = {found.key for found in check([path]) if found.level is Level.ERROR}
    policy = read_policy(tmp_path, owner=os.getuid())
    if "" in wrong:  # the file as a whole, for a number that JSON does not have
        assert not policy.values
    for setting in policies():
        if setting.key in values and not wrong & {setting.key, ""}:
            assert policy.values[setting.key] == values[setting.key]
        else:
            assert policy.values.get(setting.key, setting.safe) == setting.safe
    policy_rows(Settings(tmp_path / "none.json", policy.values))
