# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside updates`: IT makes a feed with it, and a person learns what it offers, by the organisation's policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.config.i18n import set_language
from app.config.paths import UserFolders
from app.config.policy import Policy
from app.domain.updates import Trouble
from app.entry import updates

_PLATFORM = "linux-x86_64"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(UserFolders, "of_user", lambda: UserFolders.under(tmp_path / "mine"))
    monkeypatch.setattr(updates, "platform_name", lambda _system, _machine: _PLATFORM)
    monkeypatch.setattr(updates, "_is_administrator", lambda: False)
    yield
    set_language("en")


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """A feed that was made by the command, on a web server, and the policy that names it; the values can be changed."""
    folder, keys = tmp_path / "feed", tmp_path / "keys"
    assert updates.main(["create", str(folder), "--keys", str(keys)]) == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    values: dict[str, object] = {
        "updates.feed": f"http://127.0.0.1:{server.server_address[1]}",
        "updates.root": str(folder / "metadata" / "1.root.json"),
    }
    monkeypatch.setattr(updates, "read_policy", lambda: Policy(values=values))
    yield values
    server.shutdown()
    thread.join()
    server.server_close()


def _publish(tmp_path: Path, version: str = "99.0") -> int:
    file = tmp_path / "deskside-new.tar.gz"
    file.write_bytes(b"the new program")
    where = [str(tmp_path / "feed"), str(file), "--keys", str(tmp_path / "keys")]
    return updates.main(["publish", *where, "--version", version, "--platform", _PLATFORM])


@pytest.mark.usefixtures("feed")
def test_a_person_learns_of_a_version_and_fetches_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert updates.main(["check"]) == 0
    assert "newest version" in capsys.readouterr().out
    assert _publish(tmp_path) == 0
    assert updates.main(["get"]) == 0
    out = capsys.readouterr().out
    assert "offers version 99.0" in out
    (file,) = (tmp_path / "mine" / "data" / "updates" / "files").iterdir()
    assert str(file) in out
    assert file.read_bytes() == b"the new program"


def test_switched_off_asks_nobody(feed: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    feed.update({"updates.mode": "off", "updates.feed": "http://127.0.0.1:9"})
    assert updates.main(["check"]) == 0
    assert "switched off" in capsys.readouterr().out


def test_install_tells_and_says_that_it_installs_nothing(
    feed: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed["updates.mode"] = "install"
    _publish(tmp_path)
    assert updates.main(["check"]) == 0
    assert "cannot do that yet" in capsys.readouterr().out


@pytest.mark.usefixtures("feed")
def test_nothing_is_fetched_as_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _publish(tmp_path)
    monkeypatch.setattr(updates, "_is_administrator", lambda: True)
    assert updates.main(["get"]) == 2
    assert "as administrator" in capsys.readouterr().err
    assert not (tmp_path / "mine" / "data" / "updates" / "files").exists()


def test_without_a_feed_or_its_keys_a_person_is_told_who_can_help(
    feed: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feed["updates.root"] = str(tmp_path / "none.json")
    assert updates.main(["check"]) == 1
    assert "updates.root" in capsys.readouterr().err
    feed.clear()
    assert updates.main(["check"]) == 1
    assert "No feed" in capsys.readouterr().err


@pytest.mark.usefixtures("feed")
def test_it_is_told_what_it_did_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _publish(tmp_path, "new") == 1
    assert "two to four numbers" in capsys.readouterr().err
    assert updates.main(["create", str(tmp_path / "feed"), "--keys", str(tmp_path / "keys")]) == 1
    assert "overwritten" in capsys.readouterr().err
    assert updates.main(["renew", str(tmp_path / "feed"), "--keys", str(tmp_path)]) == 1
    assert "not in the folder" in capsys.readouterr().err
    assert updates.main(["renew", str(tmp_path / "feed"), "--keys", str(tmp_path / "keys")]) == 0
    assert "root, release, freshness" in capsys.readouterr().out


def test_every_trouble_has_its_words() -> None:
    assert len({updates.trouble_text(trouble) for trouble in Trouble}) == len(Trouble)
