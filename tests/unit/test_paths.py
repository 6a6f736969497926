# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths: folders, resources and child processes are found from source and in a frozen build."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.config.paths import UserFolders, child_command, resource


def test_folders_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """What people type lies in folders that other users of the machine cannot open."""
    folders = UserFolders.under(tmp_path / "root")
    folders.create()
    folders.create()
    assert stat.S_IMODE(folders.data.stat().st_mode) == 0o700


def test_user_folders_are_the_platforms_own() -> None:
    """Nothing is written beside the program."""
    folders = UserFolders.of_user()
    assert folders.data.name == "deskside"
    assert len({folders.config, folders.data, folders.cache, folders.logs}) == 4


def test_resources_are_found_by_name() -> None:
    """A resource is named by its place, whatever the current folder is."""
    assert resource("locale/ko/LC_MESSAGES").is_dir()


def test_a_child_of_the_frozen_program_is_the_same_executable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen program starts itself with the role as first argument."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child_command("session") == [sys.executable, "session"]


def test_a_child_from_source_starts() -> None:
    """From source the same interpreter runs the same entry."""
    done = subprocess.run([*child_command("--version")], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Deskside ")
