#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Signs a macOS program (a .app with everything in it), on a Mac. DESKSIDE_SIGN_APPLE: the identity in the keychain.
set -euo pipefail
: "${DESKSIDE_SIGN_APPLE:?names no identity}"
codesign --force --deep --options runtime --timestamp --entitlements "$(dirname "$0")/../macos/entitlements.plist" --sign "$DESKSIDE_SIGN_APPLE" "$1"
codesign --verify --strict "$1"
