# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the frozen program: what stays in, what the distribution brings, what may be stripped."""

from __future__ import annotations

from importlib import import_module

import pytest
from faker import providers
from faker.utils.loading import find_available_providers

from app.services.sample_data import people
from resources.packaging.pyinstaller.rules import NAME_LOCALES, keep, keep_module, may_strip


@pytest.mark.parametrize(
    "path",
    [
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/multimedia/libffmpegmediaplugin.so",
        "PySide6/QtOpenGL.abi3.so",
        "PySide6/Qt/translations/qtbase_ko.qm",
        "libxcb-cursor.so.0",
        "av.libs/libxcb-5ddf6756.so.1.1.0",
        "resources/locale/ko/LC_MESSAGES/tools.mo",
        "babel/locale-data/ko_KR.dat",
        "babel/locale-data/en_001.dat",
        "faker/providers/person/__init__.py",
        "faker/providers/person/ko_KR/__init__.py",
    ],
)
def test_what_the_program_needs_stays(path: str) -> None:
    """Screen capture, offscreen drawing, Korean."""
    assert keep(path)


@pytest.mark.parametrize(
    "path",
    [
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/plugins/sqldrivers/libqsqlite.so",
        "PySide6/Qt/plugins/imageformats/libqpdf.so",
        "PySide6/QtQml.abi3.so",
        "PySide6/Qt/lib/libQt6WebEngineCore.so.6",
        "PySide6/Qt/translations/qtbase_de.qm",
        "libQt6Pdf.so.6",
        "PySide6/Qt/lib/libQt6Qml.so.6",  # only capture through QtMultimedia needs it, which is left out
        "libQt6Quick.so.6",
        "libstdc++.so.6",
        "libX11.so.6",
        "libdbus-1.so.3",
        "libgtk-3.so.0",
        "libpangocairo-1.0.so.0",
        "resources/locale/ko/LC_MESSAGES/tools.po",
        "resources/packaging/pyinstaller/rules.py",
        "babel/locale-data/de.dat",
        "faker/providers/person/de_DE/__init__.py",
    ],
)
def test_what_belongs_to_others_is_left_out(path: str) -> None:
    """The distribution's libraries, GTK's family, QML, sources of translations."""
    assert not keep(path)


def test_archive_and_folder_agree_about_names() -> None:
    """A module without its folder, or a folder without its module, would break the sample data."""
    assert keep_module("faker.providers.person")
    assert keep_module("faker.providers.person.ko_KR")
    assert not keep_module("faker.providers.person.de_DE")
    assert keep_module("app.domain.ids")


def test_the_languages_of_the_sample_data_are_kept() -> None:
    """The frozen demo makes its people with the same names as from source."""
    assert set(people._LOCALES.values()) <= NAME_LOCALES


def test_the_languages_that_sample_names_fall_back_to_are_kept() -> None:
    """Each provider of names asks for its own default where it has no Korean."""
    found = {
        str(getattr(import_module(name), "default_locale", "en_US"))
        for name in find_available_providers([providers])
        if getattr(import_module(name), "localized", False)
    }
    assert found <= NAME_LOCALES


def test_only_the_interpreter_and_extensions_are_stripped() -> None:
    """A stripped OpenBLAS no longer loads; Qt stays as delivered, so that it can be replaced."""
    assert may_strip("libpython3.11.so.1.0")
    assert may_strip("sqlcipher3/_sqlite3.cpython-311-x86_64-linux-gnu.so")
    assert not may_strip("numpy.libs/libscipy_openblas64_.so")
    assert not may_strip("PySide6/Qt/lib/libQt6Core.so.6")
    assert not may_strip("base_library.zip")
