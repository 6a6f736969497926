# SPDX-License-Identifier: GPL-3.0-or-later
"""The file beside the program that says whom to trust: what counts, what is refused, and that policy is above it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from app.config.policy import read_policy
from app.desktop.enrolment_place import find_enrolment_file
from app.domain.enrolment_file import SIZE_MAX, Origin, Preset, enrolment_file, read_enrolment_file
from app.domain.errors import WorldError
from app.domain.links import EnrolLink
from app.domain.signed import b64
from app.entry.companion_enrol import find_preset

_LINK = EnrolLink("https://help.example", "1234567890")
_KEY = b64(b"k" * 32)


def _write(path: Path, data: bytes = enrolment_file(_LINK, b"k" * 32)) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_what_the_server_writes_the_companion_reads(tmp_path: Path) -> None:
    """Server, key and code, from the first file that is there."""
    found = find_enrolment_file([tmp_path / "none", _write(tmp_path / "a"), _write(tmp_path / "b", b"no")])
    assert found == Preset(Origin.FILE, _LINK.server, _KEY, _LINK.code)
    assert found is not None
    assert found.link == _LINK
    assert find_enrolment_file([tmp_path / "none"]) is None


def _changed(**what: object) -> bytes:
    return json.dumps(json.loads(enrolment_file(_LINK, b"k" * 32)) | what).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "enrol_file_broken"),
        (b"\xff\xfe", "enrol_file_broken"),
        (b"[" * 9000, "enrol_file_broken"),
        (b"[]", "enrol_file_broken"),
        (_changed(kind="other"), "enrol_file_broken"),
        (_changed(key=b64(b"k" * 31)), "enrol_file_broken"),
        (_changed(key=None), "enrol_file_broken"),
        (_changed(server="ftp://x"), "enrol_file_broken"),
        (_changed(code="?"), "enrol_file_broken"),
        (_changed(v=2), "enrol_file_new"),
        (b" " * (SIZE_MAX + 1), "enrol_file_big"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_place_and_not_passed_over(
    tmp_path: Path, data: bytes, code: str
) -> None:
    """Somebody wanted it to count: another one does not take its place in silence."""
    bad = _write(tmp_path / "bad", data)
    with pytest.raises(WorldError) as refused:
        find_enrolment_file([bad, _write(tmp_path / "good")])
    assert (refused.value.code, refused.value.details) == (code, {"path": str(bad)})


@pytest.mark.parametrize("how", ["group", "all", "link", "pipe", "folder", "owner"])
def test_a_file_that_somebody_else_could_have_changed_does_not_count(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writable by others, another person's, a link, a pipe: nobody waits for it, nobody believes it."""
    path = _write(tmp_path / "file")
    if how == "group":
        path.chmod(0o620)
    elif how == "all":
        path.chmod(0o602)
    elif how == "link":
        path = tmp_path / "link"
        path.symlink_to(tmp_path / "file")
    elif how == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path, 0o600)
    elif how == "folder":
        path = tmp_path
    elif os.getuid() == 0:
        os.chown(path, 4242, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(WorldError) as refused:
        find_enrolment_file([path])
    assert refused.value.code in {"enrol_file_foreign", "enrol_file_unread"}
    assert how == "folder" or refused.value.code == "enrol_file_foreign"


def test_policy_stands_above_the_file_which_may_only_bring_the_code() -> None:
    """A file for another server, or with another key, adds nothing to what policy says."""
    file = read_enrolment_file(enrolment_file(_LINK, b"k" * 32))
    assert Preset.of_policy("", "") is None
    for server, key, code in (
        (_LINK.server, _KEY, _LINK.code),
        (_LINK.server, "", _LINK.code),
        (_LINK.server, b64(b"x" * 32), ""),
        ("https://other.example", _KEY, ""),
    ):
        fixed = Preset.of_policy(server, key)
        assert fixed is not None
        found = fixed.with_code_of(file)
        assert (found.origin, found.server, found.key, found.code) == (Origin.POLICY, server, key, code)


@pytest.mark.parametrize(("server", "key"), [("", _KEY), ("ftp://x", _KEY), (_LINK.server, "abc"), (_LINK.server, "!")])
def test_a_policy_that_is_half_or_unreadable_is_told(server: str, key: str) -> None:
    """It was meant to lock something: nothing is opened by a mistake in it."""
    with pytest.raises(WorldError) as refused:
        Preset.of_policy(server, key)
    assert refused.value.code == "enrol_policy_broken"


@pytest.mark.skipif(sys.platform != "linux", reason="policy files are read on Linux alone")
@pytest.mark.parametrize("key", ["enrolment.server", "enrolment.key"])
def test_a_policy_of_another_type_connects_with_nobody(tmp_path: Path, key: str) -> None:
    """A number in place of the address is a slip of the pen as well; without it any link would be taken."""
    path = tmp_path / "10.json"
    path.write_text(json.dumps({key: 7}), "utf-8")
    path.chmod(0o644)
    with pytest.raises(WorldError) as refused:
        find_preset(read_policy(tmp_path, owner=os.getuid()), [])
    assert refused.value.code == "enrol_policy_broken"
