# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes deb and rpm of the frozen program, the same bytes each time, and prints how large they are.

python -m resources.packaging.linux.build [--bundle dist/deskside] [--out build/packages] [--fast] [--only deb]

Needs Debian's `dpkg-dev` and `binutils`, and `rpm` for the second kind; no network. SOURCE_DATE_EPOCH is the time
of every file; without it that of the last commit.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from resources.packaging.linux.needs import Needs, measure
from resources.packaging.linux.packages import (
    AGENT_MAX_BYTES,
    COMPANION_MAX_BYTES,
    DOWNLOAD_MAX_BYTES,
    PACKAGES,
    Package,
)
from resources.packaging.linux.stage import MAINTAINER, TREE, installed_bytes, project_version, stage

__all__ = ["control", "main", "spec"]

_HOMEPAGE = "https://deskside.invalid"
# a distribution that is no Debian names its packages otherwise; libraries it names as everybody
_RPM_NAMES = {"fonts-noto-cjk": "google-noto-sans-cjk-fonts", "libpipewire-0.3-0": "pipewire-libs"}
_OWN_FOLDERS = ("/usr/lib/deskside", "/etc/deskside", "/usr/share/deskside", "/usr/share/doc/deskside")
# Debian alone calls it so; only the module bz2 needs it, which the program does without
_NOT_IN_RPM = ("libbz2.so.1.0", "ld-linux-x86-64.so.2")


@dataclass(frozen=True, slots=True)
class _Work:
    out: Path
    version: str
    epoch: int
    fast: bool
    needs: Needs

    def root(self, package: Package) -> Path:
        return self.out / "trees" / package.name


def control(package: Package, needs: Needs, version: str, size_kib: int) -> str:
    """Return Debian's control file."""
    depends = [f"deskside-runtime (= {version})"] if package.of_same_version else list(needs.debian)
    if package.of_same_version and package.program:
        depends.append(f"libc6 (>= {needs.glibc})")
    lines = [
        f"Package: {package.name}", f"Version: {version}", "Section: net", "Priority: optional", "Architecture: amd64",
        f"Maintainer: {MAINTAINER}", f"Installed-Size: {size_kib}", f"Depends: {', '.join(depends)}",
        f"Recommends: {', '.join(package.recommends)}", f"Homepage: {_HOMEPAGE}", f"Description: {package.summary}",
        textwrap.fill(package.description, 78, initial_indent=" ", subsequent_indent=" "),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def spec(package: Package, needs: Needs, version: str, root: Path, payload: str) -> str:
    """Return rpm's spec: nothing is built, stripped or looked for, the tree is taken as it is."""
    if package.of_same_version:
        requires = [f"deskside-runtime = {version}-1"]
    else:
        requires = [f"{name}()(64bit)" for name in needs.libraries if name not in _NOT_IN_RPM]
        requires.append(f"libc.so.6(GLIBC_{needs.glibc})(64bit)")
    files = []
    for path in sorted(root.rglob("*")):
        place = f"/{path.relative_to(root)}"
        if path.is_dir() and not path.is_symlink():
            if place.startswith(_OWN_FOLDERS):
                files.append(f'%dir "{place}"')
        elif "/lintian/" not in place:
            files.append(f'%config(noreplace) "{place}"' if place[1:] in package.settings else f'"{place}"')
    return "\n".join(
        [
            "%global debug_package %{nil}", "%global __os_install_post %{nil}", "%global __brp_mangle_shebangs %{nil}",
            f"%global _binary_payload {payload}", f"Name: {package.name}", f"Version: {version}", "Release: 1",
            f"Summary: {package.summary}", "License: GPL-3.0-or-later", f"URL: {_HOMEPAGE}", "AutoReqProv: no",
            *(f"Requires: {name}" for name in requires),
            *(f"Recommends: {_RPM_NAMES.get(name, name)}" for name in package.recommends),
            "%description", package.description, "%install", "mkdir -p %{buildroot}",
            f'cp -a "{root}/." %{{buildroot}}/',
            "rm -rf %{buildroot}/usr/share/lintian", "%files", "%defattr(-,root,root)", *files, "",
        ]
    )  # fmt: skip


def _deb(package: Package, work: _Work) -> Path:
    root = work.root(package)
    folder = root / "DEBIAN"
    size_kib = sum(_kib(path) for path in root.rglob("*"))
    sums = _run(["find", ".", "-type", "f", "-printf", "%P\\0"], root).split("\0")
    told = _run(["md5sum", "--", *sorted(filter(None, sums))], root)
    folder.mkdir()
    (folder / "control").write_text(control(package, work.needs, work.version, size_kib), "utf-8")
    (folder / "md5sums").write_text(told, "utf-8")
    kept = "".join(f"/{place}\n" for place in sorted(package.settings))
    if kept:  # what an administrator changed in them stays
        (folder / "conffiles").write_text(kept, "utf-8")
    for path in (*folder.iterdir(), folder, root):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (work.epoch, work.epoch))
    made = work.out / f"{package.name}_{work.version}_amd64.deb"
    # nfpm's own xz makes 112 MB of what liblzma makes 94 of (docs/decisions/0125)
    packed = ["-Zgzip", "-z1"] if work.fast else ["-Zxz", "-z6", "--threads-max=2"]
    _run(["dpkg-deb", "--root-owner-group", *packed, "--build", str(root), str(made)], work.out, work.epoch)
    shutil.rmtree(folder)
    os.utime(root, (work.epoch, work.epoch))
    return made


def _rpm(package: Package, work: _Work) -> Path:
    root = work.root(package)
    folder = work.out / "rpmbuild"
    folder.mkdir(exist_ok=True)
    file = folder / f"{package.name}.spec"
    file.write_text(spec(package, work.needs, work.version, root, "w1.gzdio" if work.fast else "w6T2.xzdio"), "utf-8")
    defines = {
        "_topdir": str(folder), "_rpmdir": str(work.out), "_buildhost": "deskside", "_build_id_links": "none",
        "_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm", "use_source_date_epoch_as_buildtime": "1",
        "clamp_mtime_to_source_date_epoch": "1", "_dbpath": str(folder / "db"),
    }  # fmt: skip
    told = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    _run(["rpmbuild", "-bb", "--quiet", "--target", "x86_64-linux", *told, str(file)], work.out, work.epoch)
    return work.out / f"{package.name}-{work.version}-1.x86_64.rpm"


def _kib(path: Path) -> int:
    return 1 if path.is_symlink() or path.is_dir() else -(-path.stat().st_size // 1024)


def _run(command: Sequence[str], folder: Path, epoch: int = 0) -> str:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    environment["SOURCE_DATE_EPOCH"] = str(epoch)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def _epoch() -> int:
    told = os.environ.get("SOURCE_DATE_EPOCH")
    return int(told) if told else int(_run(["git", "log", "-1", "--format=%ct"], TREE))


def _gates(work: _Work, made: Sequence[Path]) -> list[str]:
    """Print how large everything is; return what is larger than it may be."""
    sizes = {package.name: installed_bytes(work.root(package)) for package in PACKAGES}
    agent = sizes["deskside-runtime"] + sizes["deskside"]
    rows = [
        ("agent, installed", agent, AGENT_MAX_BYTES),
        ("companion, beyond the common files", sizes["deskside-companion"], COMPANION_MAX_BYTES),
    ]
    for kind in () if work.fast else sorted({path.suffix for path in made}):
        names = {re.split(r"_|-\d", path.name)[0]: path for path in made if path.suffix == kind}
        for name in ("deskside", "deskside-companion"):
            size = names["deskside-runtime"].stat().st_size + names[name].stat().st_size
            rows.append((f"{name} with the runtime, {kind} to download", size, DOWNLOAD_MAX_BYTES))
    for text, size, limit in rows:
        print(f"{'PASS' if size <= limit else 'MISS'} {text}: {size / 1e6:.1f} MB, at most {limit / 1e6:.0f}")
    return [text for text, size, limit in rows if size > limit]


def main(argv: list[str]) -> int:
    """Build, print names and sizes; 1 where something is too large."""
    parser = argparse.ArgumentParser(prog="python -m resources.packaging.linux.build")
    parser.add_argument("--bundle", type=Path, default=TREE / "dist" / "deskside")
    parser.add_argument("--out", type=Path, default=TREE / "build" / "packages")
    parser.add_argument("--version", default=project_version(), help="for tests of upgrades")
    parser.add_argument("--fast", action="store_true", help="hardly compressed: to look at, not to hand out")
    parser.add_argument("--only", choices=("deb", "rpm"))
    options = parser.parse_args(argv)
    out: Path = options.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    bundle: Path = options.bundle.resolve()
    work = _Work(out, options.version, _epoch(), options.fast, measure(bundle))
    made: list[Path] = []
    for package in PACKAGES:
        stage(package, bundle, work.root(package), work.version, work.epoch)
        made += [] if options.only == "rpm" else [_deb(package, work)]
        made += [] if options.only == "deb" else [_rpm(package, work)]
    for path in made:
        print(f"{path.stat().st_size / 1e6:8.2f} MB  {path}")
    return 1 if _gates(work, made) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
