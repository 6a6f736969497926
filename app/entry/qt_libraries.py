# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shared libraries Qt needs and this machine lacks, and the Debian packages that hold them.

`python -m app.entry.qt_libraries` prints these packages in one line, nothing if all is there. Loads no Qt.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from app.config.paths import is_frozen

# what Deskside itself loads: modules, their platform plugins, TLS, pictures, multimedia
_LOADED: Final = (
    "Qt{module}.abi3.so",
    "Qt/plugins/platforms/libqxcb.so",
    "Qt/plugins/platforms/libqoffscreen.so",
    "Qt/plugins/platforms/libqwayland.so",
    "Qt/plugins/xcbglintegrations/libqxcb-glx-integration.so",
    "Qt/plugins/tls/libqopensslbackend.so",
    "Qt/plugins/imageformats/libqsvg.so",
    "Qt/plugins/iconengines/libqsvgicon.so",
    "Qt/plugins/multimedia/libffmpegmediaplugin.so",
    "Qt/plugins/platforminputcontexts/libcomposeplatforminputcontextplugin.so",
    "Qt/plugins/platforminputcontexts/libibusplatforminputcontextplugin.so",
)
_MODULES: Final = ("Core", "Gui", "Widgets", "Network", "Svg", "DBus", "Multimedia")

DEBIAN_PACKAGES: Final = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libXext.so.6": "libxext6",
    "libXrandr.so.2": "libxrandr2",
    "libXfixes.so.3": "libxfixes3",
    "libXtst.so.6": "libxtst6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgbm.so.1": "libgbm1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libpipewire-0.3.so.0": "libpipewire-0.3-0",
    "libpulse.so.0": "libpulse0",
    "libpulse-mainloop-glib.so.0": "libpulse-mainloop-glib0",
    "libva.so.2": "libva2",
    "libva-drm.so.2": "libva-drm2",
    "libva-x11.so.2": "libva-x11-2",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb-dri3.so.0": "libxcb-dri3-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
    "libstdc++.so.6": "libstdc++6",
}
# loaded by name at run time, so that no linker table shows them: capture and input on X11, capture on Wayland
_BY_NAME: Final = ("libX11.so.6", "libXrandr.so.2", "libXfixes.so.3", "libXtst.so.6", "libpipewire-0.3.so.0")
# without these only a part is missing: capture on Wayland
OPTIONAL: Final = frozenset({"libpipewire-0.3.so.0"})

Linker = Callable[[list[Path]], str]


def _qt_root() -> Path | None:
    if is_frozen():
        return Path(str(getattr(sys, "_MEIPASS", ""))) / "PySide6"
    spec = importlib.util.find_spec("PySide6")
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def _ldd(files: list[Path]) -> str:
    done = subprocess.run(
        ["ldd", *files], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    return done.stdout


def _loadable(name: str) -> bool:
    import ctypes  # here: only this check needs it

    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing_libraries(
    linker: Linker = _ldd, loadable: Callable[[str], bool] = _loadable, root: Path | None = None
) -> list[str]:
    """Names of the shared libraries that Qt, screen capture and input need and the machine lacks. Linux only."""
    root = root or _qt_root()
    if not sys.platform.startswith("linux") or root is None:
        return []
    names = [name.format(module=module) for name in _LOADED[:1] for module in _MODULES] + list(_LOADED[1:])
    files = [path for name in names if (path := root / name).is_file()]
    missing = {line.split()[0] for line in linker(files).splitlines() if line.endswith("=> not found")}
    return sorted(missing | {name for name in _BY_NAME if not loadable(name)})


def debian_packages(libraries: Iterable[str]) -> list[str]:
    """The Debian 12 packages that hold the libraries; one we do not know is given by its own name."""
    return sorted({DEBIAN_PACKAGES.get(name, name) for name in libraries})


def main(argv: list[str]) -> int:
    """Print the packages to install: with `--all` also those that are good to have."""
    missing = missing_libraries()
    wanted = missing if "--all" in argv else [name for name in missing if name not in OPTIONAL]
    print(" ".join(debian_packages(wanted)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
