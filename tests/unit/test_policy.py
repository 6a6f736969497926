# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed policy: what an administrator's files forbid on a computer, and which files count for nothing."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from app.config import settings as conf
from app.config.policy import MANAGED_FOLDER, Policy, read_policy
from app.config.settings import DECLARED, SettingLocked, Settings
from app.domain.assist import Scope
from app.domain.masking import MaskRule

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="policy files are read on Linux alone yet")

_FILES = {Scope.FILES_TO_CUSTOMER, Scope.FILES_TO_AGENT}


def write(folder: Path, name: str, values: object, mode: int = 0o644) -> None:
    """A policy file as an administrator lays it down."""
    path = folder / name
    path.write_text(values if isinstance(values, str) else json.dumps(values), "utf-8")
    path.chmod(mode)


def read(folder: Path) -> Policy:
    """As the program reads it, where this test's user is the administrator."""
    return read_policy(folder, owner=os.getuid())


def test_without_files_nothing_is_forbidden_and_nothing_is_said(tmp_path: Path) -> None:
    """The usual computer has no folder at all."""
    policy = read(tmp_path / "none")
    assert (policy.forbidden, policy.values, policy.warnings) == (frozenset(), {}, ())
    assert str(MANAGED_FOLDER) == "/etc/deskside/policies/managed"


@pytest.mark.parametrize(
    ("key", "off", "scopes"),
    [
        ("session.allow_control", False, {Scope.CONTROL}),
        ("session.allow_clipboard", False, {Scope.CLIPBOARD_TO_CUSTOMER, Scope.CLIPBOARD_TO_AGENT}),
        ("session.allow_files", False, _FILES),
        ("session.allow_diagnostics", False, {Scope.DIAGNOSTICS}),
        ("session.allow_recording", "off", {Scope.RECORDING}),
    ],
)
def test_each_key_forbids_its_kind_of_access_and_no_other(
    tmp_path: Path, key: str, off: object, scopes: set[Scope]
) -> None:
    """Switched off is forbidden; switched on, or as it is without policy, nothing is."""
    write(tmp_path, "10.json", {key: off})
    assert read(tmp_path).forbidden == scopes
    write(tmp_path, "10.json", {key: "ask" if off == "off" else True})
    assert read(tmp_path).forbidden == frozenset()


@pytest.mark.ux("UX-44")
def test_no_value_of_any_key_forbids_looking_or_gives_something(tmp_path: Path) -> None:
    """Whatever the files say, scopes only fall: there is no key that answers for the customer."""
    for value in (True, False, "off", "ask", "always", 1, None):
        write(tmp_path, "all.json", {setting.key: value for setting in DECLARED})
        policy = read(tmp_path)
        assert not policy.forbidden & {Scope.VIEW, Scope.POINTER}
        assert policy.forbidden <= set(Scope)


@pytest.mark.parametrize("bad", ["no", 0, None, [], "always"])
def test_a_value_that_cannot_be_read_switches_the_part_off_and_is_told(tmp_path: Path, bad: object) -> None:
    """A slip of the pen must not open what was to be shut."""
    write(tmp_path, "10.json", {"session.allow_control": bad, "session.allow_recording": bad})
    policy = read(tmp_path)
    assert policy.forbidden == {Scope.CONTROL, Scope.RECORDING}
    assert len(policy.warnings) == 2
    assert "session.allow_control" in policy.warnings[0]


def test_the_last_file_by_name_counts_and_a_key_set_twice_is_told(tmp_path: Path) -> None:
    """In byte order, as an administrator numbers them."""
    write(tmp_path, "20-site.json", {"session.allow_files": True})
    write(tmp_path, "10-base.json", {"session.allow_files": False})
    policy = read(tmp_path)
    assert policy.forbidden == frozenset()
    assert [warning for warning in policy.warnings if "20-site.json" in warning]


@pytest.mark.parametrize("mode", [0o666, 0o664])
def test_a_file_that_others_could_write_is_ignored_and_told(tmp_path: Path, mode: int) -> None:
    """Only the administrator's word counts."""
    write(tmp_path, "10.json", {"session.allow_control": False}, mode)
    policy = read(tmp_path)
    assert policy.forbidden == frozenset()
    assert "10.json" in policy.warnings[0]


def test_a_file_of_somebody_else_is_ignored_and_told(tmp_path: Path) -> None:
    """The folder may be open to more people than it should be."""
    write(tmp_path, "10.json", {"session.allow_control": False})
    policy = read_policy(tmp_path, owner=os.getuid() + 1)
    assert policy.forbidden == frozenset()
    assert len(policy.warnings) == 1


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "\xff", "[" * 5000])
def test_a_broken_file_is_told_and_the_others_still_count(tmp_path: Path, text: str) -> None:
    """One bad file costs itself alone; keys that nobody knows cost nothing."""
    (tmp_path / "10.json").write_bytes(text.encode("latin-1"))
    write(tmp_path, "20.json", {"session.allow_files": False, "session.new_thing": 1, "server.login": "jiwoo"})
    policy = read(tmp_path)
    assert policy.forbidden == _FILES
    assert len(policy.warnings) == 3
    assert "server.login" not in policy.values


def test_a_person_can_neither_forbid_nor_allow_what_the_organisation_alone_decides(tmp_path: Path) -> None:
    """Keys of sessions in the person's own file are not looked at; changing one is refused."""
    own = tmp_path / "settings.json"
    own.write_text(json.dumps({"session.allow_control": False, "session.allow_executables": True}), "utf-8")
    settings = Settings.load(own)
    assert settings.get(conf.ALLOW_CONTROL) is True
    assert settings.get(conf.ALLOW_EXECUTABLES) is False
    with pytest.raises(SettingLocked):
        settings.set(conf.ALLOW_EXECUTABLES, True)
    write(tmp_path, "10.json", {"session.allow_executables": True})
    assert read(tmp_path).get(conf.ALLOW_EXECUTABLES) is True


def test_sharing_can_be_switched_off_and_shortened_and_is_neither_without_policy(tmp_path: Path) -> None:
    """What nobody can read counts as the strictest."""
    for values, sharing, minutes in (
        ({}, True, 60),
        ({"session.enabled": False, "session.max_minutes": 20}, False, 20),
        ({"session.enabled": "no", "session.max_minutes": 90}, False, 5),
    ):
        write(tmp_path, "10.json", values)
        policy = read(tmp_path)
        assert (policy.sharing, policy.get(conf.MAX_MINUTES)) == (sharing, minutes)


def test_windows_that_nobody_may_see_are_words_or_words_that_show_nothing_at_all(tmp_path: Path) -> None:
    """As an administrator writes them."""
    write(tmp_path, "10.json", {"session.mask_windows": ["  Payroll  2026", {"word": "급여", "pause": True}]})
    policy = read(tmp_path)
    assert policy.get(conf.MASK_WINDOWS) == (MaskRule("Payroll 2026"), MaskRule("급여", pause=True))
    assert policy.sharing
    assert not policy.warnings


@pytest.mark.parametrize(
    "wrong",
    ["payroll", [""], ["x" * 81], [7], [{"word": "x", "pause": "yes"}], [{"word": "x", "pauses": True}], [{}], {},
     [f"word {n}" for n in range(65)]],
)  # fmt: skip
def test_a_list_of_windows_that_nobody_can_read_lets_no_screen_be_shared(tmp_path: Path, wrong: object) -> None:
    """Half of it would protect nobody. A later file that can be read counts again."""
    write(tmp_path, "10.json", {"session.mask_windows": wrong})
    policy = read(tmp_path)
    assert not policy.sharing
    assert policy.get(conf.MASK_WINDOWS) == ()
    assert "no screen is shared" in policy.warnings[0]
    write(tmp_path, "20.json", {"session.mask_windows": ["payroll"]})
    assert read(tmp_path).sharing
