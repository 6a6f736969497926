# SPDX-License-Identifier: GPL-3.0-or-later
"""The three packages of the client as data: which files of the frozen program and of this folder go where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

__all__ = ["AGENT_MAX_BYTES", "COMPANION_MAX_BYTES", "DOWNLOAD_MAX_BYTES", "HOME", "PACKAGES", "Package"]

HOME: Final = PurePosixPath("usr/lib/deskside")
AGENT_MAX_BYTES: Final = 310_000_000
COMPANION_MAX_BYTES: Final = 50_000_000
DOWNLOAD_MAX_BYTES: Final = 100_000_000
_APPS: Final = "usr/share/applications"
_MAN: Final = "usr/share/man/man1"


@dataclass(frozen=True, slots=True)
class Package:
    """`program`: place in the frozen program to place in the package; `files`: the same from this folder."""

    name: str
    summary: str
    description: str
    program: Mapping[str, str]
    files: Mapping[str, str]
    links: Mapping[str, str]
    icons: tuple[str, ...] = ()
    metainfo: str = ""
    folders: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    @property
    def of_same_version(self) -> bool:
        """Whether it is of use with the runtime of its own version only."""
        return self.name != "deskside-runtime"

    @property
    def settings(self) -> tuple[str, ...]:
        """Files below /etc: an administrator may change them, and an upgrade keeps that."""
        return tuple(place for place in self.files.values() if place.startswith("etc/"))


_IN: Final = str(HOME)
PACKAGES: Final = (
    Package(
        "deskside-runtime",
        "help desk that works offline - common files",
        "Deskside is the help desk of an organisation: agents answer requests offline too, customers may show their"
        " screen after they agreed. This package holds what agents' and customers' programs share, the commands for"
        " a terminal (deskside-cli) and the handler of deskside:// links.",
        {"_internal": f"{_IN}/_internal", "deskside-cli": f"{_IN}/deskside-cli"},
        {
            "org.deskside.links.desktop": f"{_APPS}/org.deskside.links.desktop",
            "man/deskside-cli.1": f"{_MAN}/deskside-cli.1",
            "../policies/policy.schema.json": "usr/share/deskside/policy.schema.json",
            "../policies/example.json": "usr/share/doc/deskside-runtime/examples/policy.json",
        },
        {"usr/bin/deskside-cli": "../lib/deskside/deskside-cli"},
        icons=("org.deskside.agent",),
        folders=("etc/deskside/policies/managed", "etc/deskside/policies/recommended"),
        recommends=("ca-certificates", "xdg-utils", "libpipewire-0.3-0"),
        overrides=(
            "# wheels (PySide6, PyAV, numpy, cryptography) bring their libraries; they can be replaced as files",
            "embedded-library",
            "# an interpreter's own standard library and its extension modules lie beside the program",
            "custom-library-search-path",
            "library-not-linked-against-libc",
            "# a stripped OpenBLAS no longer loads, and Qt and FFmpeg stay as their makers signed off on them",
            "unstripped-binary-or-object",
            "# the bootloader of PyInstaller ends with the archive of the program's modules",
            "elf-error",
            "# not built from a Debian source package, so there is no report to close",
            "initial-upload-closes-no-bugs",
        ),
    ),
    Package(
        "deskside",
        "help desk that works offline - for support staff",
        "Agents read, search and answer requests with or without a network, and look at a customer's screen after the"
        " customer agreed.",
        {},
        {
            "org.deskside.agent.desktop": f"{_APPS}/org.deskside.agent.desktop",
            "man/deskside.1": f"{_MAN}/deskside.1",
        },
        # the window's program is the terminal's, byte for byte: 22 MB that lie on the disk once
        {f"{_IN}/deskside": "deskside-cli", "usr/bin/deskside": "../lib/deskside/deskside"},
        metainfo="org.deskside.agent",
        recommends=("fonts-noto-cjk",),
        overrides=(
            "# not built from a Debian source package, so there is no report to close",
            "initial-upload-closes-no-bugs",
        ),
    ),
    Package(
        "deskside-companion",
        "help desk that works offline - for customers",
        "Customers write to the support team of their organisation, read answers, and show their screen only if they"
        " agree, with a bar in sight and a key that ends it. Holds none of the agents' windows and none of their data.",
        {"deskside-companion": f"{_IN}/deskside-companion"},
        {
            "org.deskside.companion.desktop": f"{_APPS}/org.deskside.companion.desktop",
            "autostart/org.deskside.companion.desktop": "etc/xdg/autostart/org.deskside.companion.desktop",
            "man/deskside-companion.1": f"{_MAN}/deskside-companion.1",
        },
        {"usr/bin/deskside-companion": "../lib/deskside/deskside-companion"},
        icons=("org.deskside.companion",),
        metainfo="org.deskside.companion",
        recommends=("fonts-noto-cjk",),
        overrides=(
            "# the bootloader of PyInstaller ends with the archive of the program's modules",
            "elf-error",
            "unstripped-binary-or-object",
            "# it finds its libraries beside itself",
            "embedded-library",
            "# not built from a Debian source package, so there is no report to close",
            "initial-upload-closes-no-bugs",
        ),
    ),
)
