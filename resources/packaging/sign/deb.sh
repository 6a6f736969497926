#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes FILE.asc beside a deb: apt itself trusts the signed index of a repository, people who fetch one file check this.
#   DESKSIDE_SIGN_GPG   the OpenPGP key's fingerprint; GNUPGHOME says where it is
set -euo pipefail
: "${DESKSIDE_SIGN_GPG:?names no key}"
gpg --batch --yes --local-user "$DESKSIDE_SIGN_GPG" --armor --detach-sign --output "$1.asc" "$1"
