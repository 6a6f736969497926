# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the program and of every native part in it, for support and for the test of frozen builds."""

from __future__ import annotations

import importlib
import platform
import re
import ssl
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path


def version_line() -> str:
    """`Deskside 0.1.0`."""
    return f"Deskside {metadata.version('deskside')}"


def _qt() -> str:
    from PySide6.QtCore import qVersion  # here, as all below: only --version --long needs these libraries loaded

    return qVersion()


def _pyside() -> str:
    return str(importlib.import_module("PySide6").__version__)


def _sqlcipher() -> str:
    from sqlcipher3 import dbapi2  # type: ignore[import-untyped]  # ships no types

    connection = dbapi2.connect(":memory:")
    try:
        row = connection.execute("pragma cipher_version").fetchone()
    finally:
        connection.close()
    return str(row[0])


def _sqlite() -> str:
    from sqlcipher3 import dbapi2

    return str(dbapi2.sqlite_version)


def _pyav() -> str:
    return str(importlib.import_module("av").__version__)


def _libav(name: str) -> Callable[[], str]:
    def read() -> str:
        import av

        return ".".join(str(part) for part in av.library_versions[name])

    return read


def _x264() -> str:
    """The build number of the x264 library in PyAV's wheel: its file is named after it."""
    import av

    av.Codec("libx264", "w")
    package = Path(av.__file__).parent
    for folder in (package.with_name("av.libs"), package.parent):
        for library in folder.glob("libx264*.so.*"):
            if found := re.search(r"\.so\.(\d+)", library.name):
                return found[1]
    return "included"


def _openssl_of_cryptography() -> str:
    from cryptography.hazmat.backends.openssl.backend import backend

    return str(backend.openssl_version_text())


def _package(name: str) -> Callable[[], str]:
    return lambda: metadata.version(name)


_READERS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("Python", platform.python_version),
    ("System", platform.platform),
    ("Qt", _qt),
    ("PySide6", _pyside),
    ("SQLCipher", _sqlcipher),
    ("SQLite", _sqlite),
    ("PyAV", _pyav),
    ("libavcodec", _libav("libavcodec")),
    ("libavutil", _libav("libavutil")),
    ("x264", _x264),
    ("OpenSSL", lambda: ssl.OPENSSL_VERSION),
    ("OpenSSL (cryptography)", _openssl_of_cryptography),
    ("aiortc", _package("aiortc")),
    ("numpy", _package("numpy")),
    ("SQLAlchemy", _package("sqlalchemy")),
)


def components() -> Iterator[tuple[str, str]]:
    """Name and version of every part; a part that does not load says why instead, so that the rest still prints."""
    for name, read in _READERS:
        try:
            yield name, read()
        except Exception as error:  # noqa: BLE001 - any part may be broken in its own way; that is what is printed
            yield name, f"not available ({type(error).__name__}: {error})"
