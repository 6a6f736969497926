# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates come from a signed feed only: real lists of TUF, over a real web server on this computer."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from app.domain.updates import FeedFailed, Offer, Trouble, is_newer, is_safe_feed, platform_name
from sync.feed_maker import FRESHNESS, RELEASE, ROOT, FeedMaker, FeedRefused
from sync.update_feed import UpdateFeed

_NOW = datetime.now(UTC)
_HERE = "linux-x86_64"
_BYTES = bytes(range(256)) * 1200


@dataclass
class Web:
    """A web server over a folder. `half`: files whose name ends so are broken off; `asked` is what was asked for."""

    folder: Path
    half: str = "-"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    made = Web(tmp_path / "feed")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers.items())))
            file = made.folder / self.path.lstrip("/")
            if not file.is_file():
                self.send_error(404)
                return
            content = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path.endswith(made.half) else content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def installer(tmp_path: Path) -> Path:
    file = tmp_path / "deskside-0.2.0.tar.gz"
    file.write_bytes(_BYTES)
    return file


@pytest.fixture
def maker(tmp_path: Path, web: Web, installer: Path) -> FeedMaker:
    made = _maker(tmp_path, web)
    made.create()
    made.publish(installer, "stable", _HERE, "0.2.0")
    return made


def _maker(tmp_path: Path, web: Web, now: datetime = _NOW) -> FeedMaker:
    return FeedMaker(web.folder, tmp_path / "keys", now, 14)


@pytest.fixture
def reader(tmp_path: Path, web: Web, maker: FeedMaker) -> UpdateFeed:
    return UpdateFeed(web.address, (web.folder / "metadata" / "1.root.json").read_bytes(), tmp_path / "kept")


def _offer(reader: UpdateFeed, running: str = "0.1.0", channel: str = "stable") -> Offer | None:
    return reader.offer(channel, _HERE, running)


def _fetch(reader: UpdateFeed, tmp_path: Path) -> Path:
    offer = _offer(reader)
    assert offer is not None
    return reader.fetch(offer, tmp_path / "got", lambda _came, _all: None)


def _why(trouble: Trouble, what: object) -> bool:
    return isinstance(what, FeedFailed) and what.trouble is trouble


def test_what_the_organisation_offers_is_told_and_comes_whole(reader: UpdateFeed, tmp_path: Path, web: Web) -> None:
    offer = _offer(reader)
    assert offer is not None
    assert offer.version == "0.2.0"
    seen: list[tuple[int, int]] = []
    place = reader.fetch(offer, tmp_path / "got", lambda came, size: seen.append((came, size)))
    assert place.read_bytes() == _BYTES
    assert place.name == "deskside-0.2.0.tar.gz"
    assert seen[-1] == (len(_BYTES), len(_BYTES))
    assert len(seen) > 1
    assert [path.name for path in (tmp_path / "got").iterdir()] == [place.name]
    assert {headers["User-Agent"] for _path, headers in web.asked} == {"Deskside"}
    assert not [path for path, headers in web.asked if "Cookie" in headers or "?" in path]


def test_nothing_is_told_of_the_same_an_older_or_another_channels_version(reader: UpdateFeed) -> None:
    assert _offer(reader, "0.2.0") is None
    assert _offer(reader, "0.10.0") is None
    assert _offer(reader, channel="beta") is None


def test_a_file_that_came_before_is_not_fetched_again(reader: UpdateFeed, tmp_path: Path, web: Web) -> None:
    place = _fetch(reader, tmp_path)
    web.asked.clear()
    assert _fetch(reader, tmp_path) == place
    assert not [path for path, _headers in web.asked if path.endswith(".gz")]


def test_a_file_that_was_changed_on_the_server_never_appears(reader: UpdateFeed, tmp_path: Path, web: Web) -> None:
    (file,) = web.folder.rglob("*.tar.gz")
    file.write_bytes(_BYTES[:-1] + b"!")
    with pytest.raises(FeedFailed) as why:
        _fetch(reader, tmp_path)
    assert _why(Trouble.UNSIGNED, why.value)
    assert not list((tmp_path / "got").iterdir())


@pytest.mark.parametrize("name", ["timestamp.json", "2.snapshot.json", "2.targets.json"])
def test_a_list_that_was_changed_is_not_believed(name: str, reader: UpdateFeed, web: Web) -> None:
    file = web.folder / "metadata" / name
    file.write_text(file.read_text("utf-8").replace('"version":', '"version":1'), "utf-8")
    with pytest.raises(FeedFailed) as why:
        _offer(reader)
    assert _why(Trouble.UNSIGNED, why.value)


def test_a_feed_of_somebody_elses_keys_is_not_believed(reader: UpdateFeed, tmp_path: Path, web: Web) -> None:
    rmtree(web.folder)
    other = FeedMaker(web.folder, tmp_path / "other-keys", _NOW, 14)
    other.create()
    with pytest.raises(FeedFailed) as why:
        _offer(reader)
    assert _why(Trouble.UNSIGNED, why.value)


def test_a_frozen_feed_is_told_once_its_time_is_over(tmp_path: Path, web: Web, reader: UpdateFeed) -> None:
    _maker(tmp_path, web, _NOW - timedelta(days=15)).renew()
    with pytest.raises(FeedFailed) as why:
        _offer(reader)
    assert _why(Trouble.EXPIRED, why.value)
    _maker(tmp_path, web).renew()
    assert _offer(reader) is not None


def test_an_older_feed_is_refused_although_it_was_truly_signed(
    reader: UpdateFeed, maker: FeedMaker, tmp_path: Path, web: Web, installer: Path
) -> None:
    copytree(web.folder, tmp_path / "before")
    maker.publish(installer, "stable", _HERE, "0.3.0")
    assert _offer(reader) == Offer("0.3.0", f"stable/0.3.0/{_HERE}/{installer.name}")
    rmtree(web.folder)
    copytree(tmp_path / "before", web.folder)
    with pytest.raises(FeedFailed) as why:
        _offer(reader)
    assert _why(Trouble.OLDER, why.value)


def test_a_half_download_leaves_nothing_and_the_next_one_is_whole(reader: UpdateFeed, tmp_path: Path, web: Web) -> None:
    web.half = ".gz"
    with pytest.raises(FeedFailed) as why:
        _fetch(reader, tmp_path)
    assert _why(Trouble.INCOMPLETE, why.value)
    assert not list((tmp_path / "got").iterdir())
    web.half = "-"
    assert _fetch(reader, tmp_path).read_bytes() == _BYTES


def test_a_person_can_stop_a_download(reader: UpdateFeed, tmp_path: Path) -> None:
    offer = _offer(reader)
    assert offer is not None
    came: list[int] = []
    with pytest.raises(FeedFailed) as why:
        reader.fetch(offer, tmp_path / "got", lambda now, _size: came.append(now), lambda: bool(came))
    assert _why(Trouble.STOPPED, why.value)
    assert not list((tmp_path / "got").iterdir())


def test_a_full_disk_is_told_and_leaves_nothing(reader: UpdateFeed, tmp_path: Path) -> None:
    offer = _offer(reader)
    assert offer is not None

    def full(came: int, _size: int) -> None:
        if came > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FeedFailed) as why:
        reader.fetch(offer, tmp_path / "got", full)
    assert _why(Trouble.DISK, why.value)
    assert not list((tmp_path / "got").iterdir())


def test_no_answer_is_no_update(tmp_path: Path, web: Web, maker: FeedMaker) -> None:
    root = (web.folder / "metadata" / "1.root.json").read_bytes()
    with pytest.raises(FeedFailed) as why:
        _offer(UpdateFeed("http://127.0.0.1:9", root, tmp_path / "kept"))
    assert _why(Trouble.UNREACHABLE, why.value)


def test_a_root_that_is_none_says_so(tmp_path: Path, web: Web) -> None:
    with pytest.raises(FeedFailed) as why:
        _offer(UpdateFeed(web.address, b"{}", tmp_path / "kept"))
    assert _why(Trouble.BAD_ROOT, why.value)


def test_the_machine_that_renews_the_feed_cannot_offer_anything(
    tmp_path: Path, web: Web, maker: FeedMaker, installer: Path, reader: UpdateFeed
) -> None:
    for name in (ROOT, RELEASE):
        (tmp_path / "keys" / f"{name}.pem").unlink()
    assert maker.renew() == [FRESHNESS]
    assert _offer(reader) is not None
    with pytest.raises(FeedRefused, match="no_key"):
        maker.publish(installer, "stable", _HERE, "0.4.0")
    assert _offer(reader, "0.2.0") is None


def test_a_root_that_is_signed_anew_is_followed(reader: UpdateFeed, maker: FeedMaker) -> None:
    assert maker.renew() == [ROOT, RELEASE, FRESHNESS]
    assert maker.renew() == [ROOT, RELEASE, FRESHNESS]
    assert _offer(reader) is not None


def test_a_version_that_went_out_never_gets_other_bytes(maker: FeedMaker, installer: Path) -> None:
    installer.write_bytes(b"something else")
    with pytest.raises(FeedRefused, match="other_bytes"):
        maker.publish(installer, "stable", _HERE, "0.2.0")


def test_a_feed_and_its_keys_are_never_overwritten(maker: FeedMaker, tmp_path: Path) -> None:
    with pytest.raises(FeedRefused, match="exists"):
        maker.create()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://updates.example.org/deskside", True),
        ("http://127.0.0.1:8000", True),
        ("http://updates.example.org", False),
        ("https://me:word@updates.example.org", False),
        ("https://updates.example.org/?who=me", False),
        ("file:///srv/feed", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_only_addresses_that_nobody_can_listen_to_are_asked(address: str, good: bool) -> None:
    assert is_safe_feed(address) is good


@pytest.mark.parametrize(
    ("offered", "running", "newer"),
    [("0.10.0", "0.9.9", True), ("1.0", "1.0.0", False), ("1.0.1", "1.0", True), ("2.0rc1", "1.0", False)],
)
def test_numbers_of_versions_are_compared_as_numbers(offered: str, running: str, newer: bool) -> None:
    assert is_newer(offered, running) is newer


def test_a_kind_of_computer_has_one_name() -> None:
    assert platform_name("win32", "AMD64") == "windows-x86_64"
    assert platform_name("darwin", "arm64") == "macos-arm64"
