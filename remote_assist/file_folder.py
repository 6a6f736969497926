# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder `Deskside/<ticket>` in which received files grow and get their names; nothing in it is ever overwritten.

On POSIX every step goes through descriptors of folders, none of which was reached through a link, so that a folder
swapped for a link in between changes nothing. Windows has no such calls in the standard library: there each folder is
looked at before every step, a file being written keeps its folders from being renamed, and a rename refuses a name that
is taken. Between the last look and the rename a program of the same person could still swap the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from remote_assist.file_names import folder_name, numbered, part_name

__all__ = ["FOLDER", "FileTrouble", "PartFile", "TicketFolder"]

FOLDER: Final = "Deskside"
_TRIES: Final = 1000
_NO_HARD_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
_BINARY: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | _BINARY


class FileTrouble(Exception):
    """A transfer cannot go on. `code` is one of the words of docs/remote-assist.md."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def trouble(error: OSError) -> FileTrouble:
    """Return what an error of the file system means for a transfer."""
    if error.errno in _FULL:
        return FileTrouble("disk_full")
    return FileTrouble("folder_gone" if error.errno in _GONE else "not_written")


class _Dir(Protocol):
    """An open folder. Names are names, never paths. Methods raise OSError."""

    def create(self, name: str) -> int: ...
    def status(self, name: str) -> os.stat_result: ...
    def move(self, file: os.stat_result, old: str, new: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def in_place(self) -> bool: ...
    def free_bytes(self) -> int: ...
    def close(self) -> None: ...


def _own(fd: int) -> int:
    """Return the descriptor if nobody else can write into that folder. Raises FileTrouble."""
    status = os.fstat(fd)
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        os.close(fd)
        raise FileTrouble("folder_unsafe")
    return fd


class _DescriptorDir:
    """POSIX. Keeps the descriptor of the innermost folder; renaming the folder moves its content along."""

    def __init__(self, base: Path, names: tuple[str, ...]) -> None:
        self._base, self._names = base, names
        self._fd = self._walk(make=True)

    def _walk(self, *, make: bool) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        fd = os.open(self._base, flags)
        for name in self._names:
            outer = fd
            try:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=outer)
                fd = os.open(name, flags | os.O_NOFOLLOW, dir_fd=outer)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise FileTrouble("folder_unsafe") from error
                raise
            finally:
                os.close(outer)
            fd = _own(fd)
        return fd

    def create(self, name: str) -> int:
        return os.open(name, _NEW, 0o600, dir_fd=self._fd)

    def status(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self._fd, follow_symlinks=False)

    def move(self, file: os.stat_result, old: str, new: str) -> None:
        """Give the file its new name. Raises FileExistsError when it is taken."""
        try:
            os.link(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            self._move_without_links(old, new)
        if not os.path.samestat(self.status(new), file):
            self.remove(new)  # what stood under the old name was swapped at the last moment
            raise FileTrouble("part_changed")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.status(old), file):
                self.remove(old)

    def _move_without_links(self, old: str, new: str) -> None:
        """Hold the new name with an empty file of our own, then replace that one."""
        os.close(self.create(new))
        try:
            os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError:
            self.remove(new)
            raise

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self._fd)

    def in_place(self) -> bool:
        """Whether the path still leads here."""
        try:
            fd = self._walk(make=False)
        except (OSError, FileTrouble):
            return False
        try:
            return os.path.samestat(os.fstat(fd), os.fstat(self._fd))
        finally:
            os.close(fd)

    def free_bytes(self) -> int:
        status = os.fstatvfs(self._fd)
        return status.f_bavail * status.f_frsize

    def close(self) -> None:
        os.close(self._fd)


class _PathDir:
    """Windows. Looks before each step that no folder on the way is a link or a junction."""

    def __init__(self, base: Path, names: tuple[str, ...]) -> None:
        self._base, self._names = base, names
        self._path = base.joinpath(*names)
        self._first = self._look(make=True)

    def _look(self, *, make: bool = False) -> os.stat_result:
        """Raises OSError, FileTrouble."""
        for count in range(1, len(self._names) + 1):
            folder = self._base.joinpath(*self._names[:count])
            if make:
                with contextlib.suppress(FileExistsError):
                    folder.mkdir(mode=0o700)
            status = folder.lstat()
            reparse = getattr(status, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT
            if reparse or not stat.S_ISDIR(status.st_mode):
                raise FileTrouble("folder_unsafe")
        return status

    def _here(self, name: str) -> Path:
        if not self.in_place():
            raise FileTrouble("folder_gone")
        return self._path / name

    def create(self, name: str) -> int:
        return os.open(self._here(name), _NEW, 0o600)

    def status(self, name: str) -> os.stat_result:
        return self._here(name).lstat()

    def move(self, file: os.stat_result, old: str, new: str) -> None:
        """Give the file its new name; Windows wants it closed first. Raises FileExistsError when it is taken."""
        del file
        os.rename(self._here(old), self._here(new))  # noqa: PTH104 - Path.rename is documented to replace

    def remove(self, name: str) -> None:
        self._here(name).unlink()

    def in_place(self) -> bool:
        try:
            return os.path.samestat(self._look(), self._first)
        except (OSError, FileTrouble):
            return False

    def free_bytes(self) -> int:
        return shutil.disk_usage(self._path).free

    def close(self) -> None:
        pass


def _opened(base: Path, names: tuple[str, ...]) -> _Dir:
    return _PathDir(base, names) if os.name == "nt" else _DescriptorDir(base, names)


class PartFile:
    """A file that grows. Methods raise FileTrouble; after `publish` or `discard` nothing else may be called."""

    def __init__(self, place: _Dir, folder: Path, fd: int, name: str) -> None:
        self._place, self._folder, self._fd, self._name = place, folder, fd, name
        self._self = os.fstat(fd)
        self._gone = False

    @property
    def path(self) -> Path:
        """Where it lies while it grows."""
        return self._folder / self._name

    @property
    def fd(self) -> int:
        """Its descriptor, for marks."""
        return self._fd

    @property
    def size(self) -> int:
        """How long it is, whoever wrote it."""
        return os.fstat(self._fd).st_size

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data` at `offset`."""
        try:
            os.lseek(self._fd, offset, os.SEEK_SET)
            left = memoryview(data)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            raise trouble(error) from error

    def feed(self, length: int, sink: Callable[[bytes], object]) -> bool:
        """Read the first `length` bytes back; False when there are fewer."""
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            while length > 0:
                block = os.read(self._fd, min(length, 1 << 20))
                if not block:
                    return False
                sink(block)
                length -= len(block)
        except OSError as error:
            raise trouble(error) from error
        return True

    def cut(self, length: int) -> None:
        """Forget what lies behind `length`."""
        try:
            os.ftruncate(self._fd, length)
        except OSError as error:
            raise trouble(error) from error

    def unchanged(self) -> bool:
        """Whether its name still leads to the file that was opened, in the folder that was opened."""
        try:
            return os.path.samestat(self._place.status(self._name), self._self) and self._place.in_place()
        except (OSError, FileTrouble):
            return False

    def publish(self, name: str) -> Path:
        """Give the whole file its name, or the next free one. What lies under a name stays what it is."""
        if not self._place.in_place():
            raise FileTrouble("folder_gone")
        if not self.unchanged():
            raise FileTrouble("part_changed")
        try:
            os.fsync(self._fd)
            if os.name == "nt":
                self._close()
            final = _first_free(name, lambda free: self._place.move(self._self, self._name, free))
        except OSError as error:
            raise trouble(error) from error
        self._close()
        self._gone = True
        return self._folder / final

    def discard(self) -> None:
        """Remove it. Idempotent, and quiet where there is nothing to remove any more."""
        self._close()
        if not self._gone:
            self._gone = True
            with contextlib.suppress(OSError, FileTrouble):
                if os.path.samestat(self._place.status(self._name), self._self):
                    self._place.remove(self._name)

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)


class TicketFolder:
    """`base/Deskside/<ticket>`, made where it is missing."""

    def __init__(self, base: Path, ticket_no: str, opened: Callable[[Path, tuple[str, ...]], _Dir] = _opened) -> None:
        """Raises FileTrouble: a folder that is a link, belongs to somebody else or can be written by all; no `base`."""
        names = (FOLDER, folder_name(ticket_no))
        self.path = base.joinpath(*names)
        try:
            self._place = opened(base, names)
        except OSError as error:
            raise trouble(error) from error

    def free_bytes(self) -> int:
        """Return what this person may still write there. Raises FileTrouble."""
        try:
            return self._place.free_bytes()
        except OSError as error:
            raise trouble(error) from error

    def create(self, name: str) -> PartFile:
        """Start a file of this name, which must be a safe one. Raises FileTrouble."""
        found: list[int] = []

        def attempt(free: str) -> None:
            found.append(self._place.create(part_name(free)))

        try:
            free = _first_free(name, attempt)
        except OSError as error:
            raise trouble(error) from error
        return PartFile(self._place, self.path, found[0], part_name(free))

    def close(self) -> None:
        """Close the folder; its files are closed by their owners before."""
        self._place.close()


def _first_free(name: str, attempt: Callable[[str], None]) -> str:
    """Try name, name (2), ... until none is taken. Raises FileTrouble, and what `attempt` raises otherwise."""
    for count in range(1, _TRIES + 1):
        free = numbered(name, count)
        with contextlib.suppress(FileExistsError):
            attempt(free)
            return free
    raise FileTrouble("no_free_name")
