#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Signs an rpm in place. DESKSIDE_SIGN_GPG: the OpenPGP key's fingerprint; GNUPGHOME says where it is.
set -euo pipefail
: "${DESKSIDE_SIGN_GPG:?names no key}"
rpmsign --define "_gpg_name $DESKSIDE_SIGN_GPG" --addsign "$1" >/dev/null
