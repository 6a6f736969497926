# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are in a real key store or sealed by a passphrase, never readable in a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend

from app.desktop.keyring_store import WrongPassphrase, has_passphrase, needs_passphrase, open_secrets
from app.domain.errors import NoKeyring


class _Store(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self.kept.pop((service, username), None)


def test_a_secret_comes_back_with_the_passphrase_and_is_not_readable_in_the_file(tmp_path: Path) -> None:
    """What was put in is got out by the next start; the file shows neither it nor the passphrase."""
    open_secrets(tmp_path, "p", "correct horse").put("database", b"0123456789abcdef0123456789abcdef")
    again = open_secrets(tmp_path, "p", "correct horse")
    assert again.get("database") == b"0123456789abcdef0123456789abcdef"
    assert again.get("other") is None
    raw = (tmp_path / "secrets.json").read_bytes()
    assert b"0123456789abcdef" not in raw
    assert b"correct horse" not in raw
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_another_passphrase_opens_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    """The person is told and can try again."""
    open_secrets(tmp_path, "p", "one").put("a", b"x")
    with pytest.raises(WrongPassphrase):
        open_secrets(tmp_path, "p", "two")
    assert open_secrets(tmp_path, "p", "one").get("a") == b"x"


def test_without_a_key_store_a_passphrase_is_asked_and_nothing_is_written(tmp_path: Path) -> None:
    """There is no silent fall-back to plain text."""
    assert needs_passphrase(tmp_path, lambda: None)
    assert not has_passphrase(tmp_path)
    with pytest.raises(NoKeyring):
        open_secrets(tmp_path, "p", backend=lambda: None)
    assert list(tmp_path.iterdir()) == []


def test_a_real_key_store_is_used_without_a_passphrase(tmp_path: Path) -> None:
    """Entries are kept per profile and can be removed."""
    store = _Store()
    secrets = open_secrets(tmp_path, "p", backend=lambda: store)
    secrets.put("device", b"\x00\xff")
    assert open_secrets(tmp_path, "p", backend=lambda: store).get("device") == b"\x00\xff"
    assert open_secrets(tmp_path, "q", backend=lambda: store).get("device") is None
    secrets.remove("device")
    assert secrets.get("device") is None


def test_a_damaged_secrets_file_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is overwritten: the keys may still be rescued from it."""
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(NoKeyring) as refused:
        open_secrets(tmp_path, "p", "word")
    assert refused.value.code == "secrets_damaged"
    assert (tmp_path / "secrets.json").read_text() == "{"


def test_a_profile_under_a_passphrase_is_opened_without_the_system_s_key_store() -> None:
    """Its libraries take a while to load, at each start; so do colours for logs that nobody prints."""
    look = "import sys, app.entry.agent; print({'keyring', 'rich', 'widgets.shell.window'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"
