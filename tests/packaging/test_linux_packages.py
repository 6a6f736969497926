# SPDX-License-Identifier: GPL-3.0-or-later
"""What the deb and rpm say of themselves: needs, versions, places. How they install: `make packages-test`."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from app.entry.cli import AT_SIGN_IN
from resources.packaging.linux.build import control, spec
from resources.packaging.linux.needs import Needs
from resources.packaging.linux.packages import PACKAGES, Package
from resources.packaging.linux.stage import HERE

_NEEDS = Needs(("libX11.so.6", "libbz2.so.1.0"), ("libc6 (>= 2.35)", "libx11-6"), "2.35")
_BY_NAME = {package.name: package for package in PACKAGES}


def test_the_common_package_asks_for_the_libraries_that_were_measured() -> None:
    """A fresh computer gets every library with the program, and none that it has no use for."""
    told = control(_BY_NAME["deskside-runtime"], _NEEDS, "1.2.3", 7)
    assert "Depends: libc6 (>= 2.35), libx11-6\n" in told
    assert "Installed-Size: 7\n" in told


@pytest.mark.parametrize("name", ["deskside", "deskside-companion"])
def test_a_program_is_never_installed_beside_common_files_of_another_version(name: str, tmp_path: Path) -> None:
    """Both kinds of package hold program and common files together."""
    assert "Depends: deskside-runtime (= 1.2.3)" in control(_BY_NAME[name], _NEEDS, "1.2.3", 7)
    assert "Requires: deskside-runtime = 1.2.3-1\n" in spec(_BY_NAME[name], _NEEDS, "1.2.3", tmp_path, "w1.gzdio")


def test_an_rpm_asks_by_library_and_leaves_out_a_name_that_only_debian_has(tmp_path: Path) -> None:
    """Fedora and openSUSE name packages differently; libraries are named alike."""
    told = spec(_BY_NAME["deskside-runtime"], _NEEDS, "1.2.3", tmp_path, "w1.gzdio")
    assert "Requires: libX11.so.6()(64bit)\n" in told
    assert "Requires: libc.so.6(GLIBC_2.35)(64bit)\n" in told
    assert "libbz2" not in told


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_nothing_is_put_where_a_package_has_no_business(package: Package) -> None:
    """Only below /usr, the empty folders of the policies, and the question at sign-in."""
    places = {*package.program.values(), *package.files.values(), *package.links} - set(package.settings)
    assert all(place.startswith("usr/") for place in places)
    assert all(place.startswith("etc/xdg/autostart/") for place in package.settings)
    assert all(folder.startswith("etc/deskside/policies/") for folder in package.folders)


@pytest.mark.parametrize("file", sorted(HERE.glob("*.desktop")), ids=lambda file: file.stem)
def test_every_menu_entry_speaks_korean_and_starts_what_a_package_installs(file: Path) -> None:
    """Name and comment in both languages; the command is one of /usr/bin."""
    entry = configparser.RawConfigParser()
    entry.optionxform = str  # type: ignore[assignment,method-assign]  # keys are told apart by case
    entry.read(file, "utf-8")
    told = entry["Desktop Entry"]
    assert {"Name[ko]", "Comment[ko]"} <= told.keys()
    assert any(f"usr/bin/{told['Exec'].split()[0]}" in package.links for package in PACKAGES)
    assert any(told["Icon"] in package.icons for package in PACKAGES)


def test_sign_in_starts_the_companion_only_to_ask_the_policy(tmp_path: Path) -> None:
    """What an administrator changed in that file stays, in both kinds of package."""
    entry = (HERE / "autostart" / "org.deskside.companion.desktop").read_text("utf-8")
    assert f"Exec=deskside-companion {AT_SIGN_IN}\n" in entry
    place = tmp_path / "etc/xdg/autostart/org.deskside.companion.desktop"
    place.parent.mkdir(parents=True)
    place.write_text(entry, "utf-8")
    told = spec(_BY_NAME["deskside-companion"], _NEEDS, "1.2.3", tmp_path, "w1.gzdio")
    assert '%config(noreplace) "/etc/xdg/autostart/org.deskside.companion.desktop"' in told
