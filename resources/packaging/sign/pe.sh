#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Signs one Windows file (exe, msi) in place: DESKSIDE_SIGN=resources/packaging/sign/pe.sh for the Windows build.
#   DESKSIDE_SIGN_CERT   certificate chain, PEM        DESKSIDE_SIGN_KEY   its key, PEM
#   DESKSIDE_SIGN_TIME   address of a time stamp server; without it the signature ends with the certificate
set -euo pipefail
file=$1
: "${DESKSIDE_SIGN_CERT:?names no certificate}" "${DESKSIDE_SIGN_KEY:?names no key}"
osslsigncode sign -certs "$DESKSIDE_SIGN_CERT" -key "$DESKSIDE_SIGN_KEY" -h sha256 -n Deskside \
    ${DESKSIDE_SIGN_TIME:+-ts "$DESKSIDE_SIGN_TIME"} -in "$file" -out "$file.signed" >/dev/null
mv "$file.signed" "$file"
