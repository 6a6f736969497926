#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# On a Mac: makes Deskside.app, Deskside Companion.app and one .pkg of the frozen program. Not run anywhere yet.
#   resources/packaging/macos/build.sh BUNDLE OUT VERSION        DESKSIDE_SIGN, DESKSIDE_SIGN_PKG: see docs/installing.md
set -euo pipefail
bundle=$1 out=$2 version=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$out/root
rm -rf "$root"
mkdir -p "$root/Applications" "$root/Library/LaunchAgents"
app() { # app NAME PROGRAM PLIST
    local contents="$root/Applications/$1.app/Contents"
    mkdir -p "$contents/MacOS" "$contents/Resources"
    cp -R "$bundle/_internal" "$contents/MacOS/"
    cp "$bundle/$2" "$contents/MacOS/"
    sed "s/@VERSION@/$version/" "$here/$3" >"$contents/Info.plist"
    plutil -lint "$contents/Info.plist"
    if [ -n "${DESKSIDE_SIGN:-}" ]; then "$DESKSIDE_SIGN" "$root/Applications/$1.app"; else echo "UNSIGNED $1.app"; fi
}
app Deskside deskside Info.agent.plist
app "Deskside Companion" deskside-companion Info.companion.plist
cp "$here/org.deskside.companion.at-sign-in.plist" "$root/Library/LaunchAgents/"
pkgbuild --root "$root" --identifier org.deskside --version "$version" ${DESKSIDE_SIGN_PKG:+--sign "$DESKSIDE_SIGN_PKG"} "$out/deskside-$version.pkg"
