# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of received files: no link is followed, nothing is overwritten, whatever others do meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remote_assist import file_folder
from remote_assist.file_folder import FileTrouble, PartFile, TicketFolder
from remote_assist.file_marks import mark_downloaded, quarantine_value

pytestmark = pytest.mark.skipif(os.name == "nt", reason="descriptors of folders are POSIX")
Open = Callable[[Path], TicketFolder]


def by_descriptor(base: Path) -> TicketFolder:
    return TicketFolder(base, "7")


def by_path(base: Path) -> TicketFolder:
    return TicketFolder(base, "7", file_folder._PathDir)


BOTH = pytest.mark.parametrize("open_", [by_descriptor, by_path])


@pytest.fixture(autouse=True)
def rename_as_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses a rename to a name that is taken; only the way by paths relies on that."""
    real = os.rename

    def rename(old: Any, new: Any, **folders: Any) -> None:
        if not folders and os.path.lexists(new):
            raise FileExistsError(new)
        real(old, new, **folders)

    monkeypatch.setattr(os, "rename", rename)


def grown(folder: TicketFolder, name: str = "a.txt", content: bytes = b"hello") -> PartFile:
    part = folder.create(name)
    part.write(0, content)
    return part


def code(call: Callable[[], object]) -> str:
    with pytest.raises(FileTrouble) as raised:
        call()
    return raised.value.code


@BOTH
def test_a_file_grows_beside_its_name_and_takes_it_when_it_is_whole(open_: Open, tmp_path: Path) -> None:
    """Only this person may read it, and it is no program."""
    folder = open_(tmp_path)
    part = grown(folder)
    place = tmp_path / "Deskside" / "7"
    assert [p.name for p in place.iterdir()] == ["a.txt.part"]
    assert part.publish("a.txt") == place / "a.txt"
    assert [(p.name, p.read_bytes()) for p in place.iterdir()] == [("a.txt", b"hello")]
    assert stat.S_IMODE((place / "a.txt").stat().st_mode) == 0o600
    part.discard()
    assert (place / "a.txt").exists()
    folder.close()


@BOTH
def test_nothing_that_has_the_name_is_overwritten(open_: Open, tmp_path: Path) -> None:
    """Neither a file, nor a folder, nor a link to somewhere, nor one that leads nowhere; nor a part of that name."""
    place = tmp_path / "Deskside" / "7"
    place.mkdir(parents=True)
    (place / "a.txt").write_bytes(b"mine")
    (place / "a (2).txt").mkdir()
    (place / "a (3).txt").symlink_to(tmp_path / "nowhere")
    (place / "a.txt.part").symlink_to(tmp_path / "victim")
    (place / "a (2).txt.part").write_bytes(b"old")
    folder = open_(tmp_path)
    assert grown(folder).publish("a.txt").name == "a (4).txt"
    assert (place / "a.txt").read_bytes() == b"mine"
    assert (place / "a (2).txt.part").read_bytes() == b"old"
    assert not (tmp_path / "victim").exists()
    assert not (tmp_path / "nowhere").exists()
    folder.close()


@BOTH
@pytest.mark.parametrize("level", ["Deskside", "Deskside/7"])
def test_a_folder_that_is_a_link_is_not_used(open_: Open, level: str, tmp_path: Path) -> None:
    """Somebody laid it there before."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / level).parent.mkdir(exist_ok=True)
    (tmp_path / level).symlink_to(elsewhere)
    assert code(lambda: open_(tmp_path)) == "folder_unsafe"
    assert list(elsewhere.iterdir()) == []


@BOTH
def test_a_file_in_place_of_the_folder_is_told_as_such(open_: Open, tmp_path: Path) -> None:
    """And no base folder, too."""
    assert code(lambda: open_(tmp_path / "none")) == "folder_gone"
    (tmp_path / "Deskside").write_bytes(b"")
    assert code(lambda: open_(tmp_path)) in ("folder_unsafe", "folder_gone")


def test_a_folder_into_which_others_may_write_is_not_used(tmp_path: Path) -> None:
    """They could swap what lies in it."""
    (tmp_path / "Deskside").mkdir()
    (tmp_path / "Deskside").chmod(0o777)
    assert code(lambda: by_descriptor(tmp_path)) == "folder_unsafe"


@BOTH
def test_a_folder_swapped_for_a_link_in_between_changes_nothing_elsewhere(open_: Open, tmp_path: Path) -> None:
    """The file is told as not saved, and nothing of it lies where the link leads."""
    folder = open_(tmp_path)
    part = grown(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "Deskside" / "7").rename(tmp_path / "moved")
    (tmp_path / "Deskside" / "7").symlink_to(elsewhere)
    assert not part.unchanged()
    assert code(lambda: part.publish("a.txt")) == "folder_gone"
    part.discard()
    assert list(elsewhere.iterdir()) == []
    folder.close()


@BOTH
def test_a_part_swapped_for_a_link_is_not_published(open_: Open, tmp_path: Path) -> None:
    """Neither the link nor what it leads to gets the name; what is not ours is not removed either."""
    (tmp_path / "secret").write_bytes(b"secret")
    folder = open_(tmp_path)
    part = grown(folder)
    part.path.unlink()
    part.path.symlink_to(tmp_path / "secret")
    assert code(lambda: part.publish("a.txt")) == "part_changed"
    part.discard()
    assert [p.name for p in folder.path.iterdir()] == ["a.txt.part"]
    assert (tmp_path / "secret").read_bytes() == b"secret"
    folder.close()


def test_a_part_swapped_between_the_last_look_and_the_name_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race that cannot be closed by looking before is closed by looking after."""
    folder = by_descriptor(tmp_path)
    part = grown(folder)
    link = os.link

    def late(*args: Any, **kwargs: Any) -> None:
        part.path.unlink()
        part.path.symlink_to("/etc/passwd")
        link(*args, **kwargs)

    monkeypatch.setattr(os, "link", late)
    assert code(lambda: part.publish("a.txt")) == "part_changed"
    assert [p.name for p in folder.path.iterdir()] == ["a.txt.part"]
    folder.close()


def test_what_takes_the_name_of_a_part_after_it_was_published_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only our own part is removed, whoever is at work in the folder."""
    folder = by_descriptor(tmp_path)
    part = grown(folder)
    link = os.link

    def early(*args: Any, **kwargs: Any) -> None:
        link(*args, **kwargs)
        part.path.unlink()
        part.path.write_bytes(b"theirs")

    monkeypatch.setattr(os, "link", early)
    assert part.publish("a.txt").read_bytes() == b"hello"
    assert (folder.path / "a.txt.part").read_bytes() == b"theirs"
    folder.close()


def test_a_name_taken_between_the_last_look_and_the_rename_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking a name is one step for the system, also on file systems without hard links."""
    folder = by_descriptor(tmp_path)
    part = grown(folder)
    links: list[str] = []

    def no_links(_old: str, new: str, **_kwargs: Any) -> None:
        if not links:
            (folder.path / "a.txt").write_bytes(b"theirs")
        links.append(new)
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    assert part.publish("a.txt").name == "a (2).txt"
    assert (folder.path / "a.txt").read_bytes() == b"theirs"
    assert (folder.path / "a (2).txt").read_bytes() == b"hello"
    assert links == ["a.txt", "a (2).txt"]
    folder.close()


def test_a_rename_that_fails_leaves_no_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What held the name goes with it."""
    folder = by_descriptor(tmp_path)
    part = grown(folder)

    def refuse(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.EPERM, "no")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    assert code(lambda: part.publish("a.txt")) == "not_written"
    part.discard()
    assert list(folder.path.iterdir()) == []
    folder.close()


@BOTH
def test_a_folder_that_vanishes_is_told_and_not_made_again(open_: Open, tmp_path: Path) -> None:
    """The customer removed it: that is an answer."""
    folder = open_(tmp_path)
    part = grown(folder)
    part.path.unlink()
    folder.path.rmdir()
    assert code(lambda: part.publish("a.txt")) == "folder_gone"
    assert code(lambda: folder.create("b.txt")) == "folder_gone"
    part.discard()
    assert not folder.path.exists()
    folder.close()


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EIO, "not_written")]
)
def test_a_full_disk_is_told_apart_from_a_broken_one(
    number: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a file."""
    folder = by_descriptor(tmp_path)
    part = folder.create("a.txt")

    def fail(_fd: int, _data: bytes) -> int:
        raise OSError(number, "no")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fail)
        assert code(lambda: part.write(0, b"x")) == expected
    part.discard()
    assert list(folder.path.iterdir()) == []
    folder.close()


def test_files_are_marked_as_each_system_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Windows and macOS warn by, and the address on Linux; a system or disk without marks is no error."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"")
    assert mark_downloaded(3, path, "", 0, "win32")
    assert (tmp_path / "a.txt:Zone.Identifier").read_bytes() == b"[ZoneTransfer]\r\nZoneId=3\r\n"
    assert not mark_downloaded(3, path, "", 0, "plan9")
    assert quarantine_value(0x5991B778) == b"0081;5991b778;Deskside;"
    if sys.platform == "linux":
        noted: list[tuple[str, bytes]] = []
        monkeypatch.setattr(os, "setxattr", lambda _fd, name, value: noted.append((name, value)))
        assert mark_downloaded(3, path, "https://help.example/", 0)
        assert not mark_downloaded(3, path, "javascript:x", 0)
        assert not mark_downloaded(3, path, "https://x/\n", 0)
        assert noted == [("user.xdg.origin.url", b"https://help.example/")]
