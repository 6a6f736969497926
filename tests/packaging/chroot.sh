#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the debs in a fresh, minimal Debian 12 with only what they declare: install, policy, demo, upgrade, removal, purge.
#   sudo tests/packaging/chroot.sh OLDER NEWER [FOLDER]     folders with debs; a FOLDER that is given is kept for the next run
# Needs root and debootstrap. The mirror is the one that this machine's apt uses (or DEBIAN_MIRROR).
set -euo pipefail
older=$(realpath "$1") newer=$(realpath "$2")
root=${3:-$(mktemp -d)}
kept=${3:+yes}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format "\$(REPO_URI)" | head -n 1)}
mounted=()
cleanup() {
    for place in "${mounted[@]}"; do umount -l "$root$place"; done
    [ -n "$kept" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT
say() { printf '== %s\n' "$1"; }
fail() { echo "FAIL: $1" >&2; exit 1; }
put() {
    mkdir -p "$root$1"
    mount "${@:2}" "$root$1"
    mounted=("$1" "${mounted[@]}")
}

base=$root/base.done
if [ ! -e "$base" ]; then
    debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || { tail "$root.log"; exit 1; }
    touch "$base"
fi
put /proc -t proc proc
put /dev -t tmpfs -o mode=755 tmpfs
put /dev/shm -t tmpfs -o mode=1777 tmpfs
for node in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${node%:*}" c 1 "${node#*:}"; done
ln -s /proc/self/fd "$root/dev/fd"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/etc/ssl/certs"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
cp -L /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
inside() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
as_user() { chroot --userspec=1000:1000 "$root" env -i HOME=/home/user PATH=/usr/bin:/bin LANG=C.UTF-8 QT_QPA_PLATFORM=offscreen "$@"; }
put_debs() { rm -rf "$root/debs"; mkdir "$root/debs"; cp "$1"/*.deb "$root/debs/"; }
install_debs() { inside sh -c "apt-get install -q -y --no-install-recommends $1 /debs/*.deb" </dev/null >"$root/apt.log" 2>&1 || { tail -n 20 "$root/apt.log"; return 1; }; }
is_version() { [ "$(inside dpkg-query -W -f '${Version}' deskside)" = "$1" ] || fail "installed is not $1"; }
version_of() { dpkg-deb -f "$1"/deskside_*.deb Version; }

inside apt-get update -q >/dev/null
inside apt-get purge -q -y 'deskside*' >/dev/null 2>&1 || true
inside apt-get autoremove -q -y --purge >/dev/null 2>&1 || true
rm -rf "$root/etc/deskside" "$root/home/user"
install -d -o 1000 -g 1000 "$root/home/user"

say "install, without a question: $(version_of "$older")"
put_debs "$older"
install_debs ""
is_version "$(version_of "$older")"
inside dpkg --audit | grep -q . && fail "dpkg is not content"
for program in deskside deskside-cli deskside-companion; do
    as_user "$program" --version | grep -q '^Deskside ' || fail "$program does not start"
done
mapfile -t files < <(find "$root/usr/lib/deskside" -type f -name '*.so*')
inside env LD_LIBRARY_PATH=/usr/lib/deskside/_internal ldd "${files[@]#"$root"}" >"$root/ldd.log" 2>/dev/null || true
grep 'not found' "$root/ldd.log" | sort -u | tee "$root/missing.log"
[ ! -s "$root/missing.log" ] || fail "libraries are missing that the package does not declare"
[ -z "$(find "$root/usr/lib/deskside" -perm /6022 -not -type l)" ] || fail "files that others may write, or that are setuid"

say "a policy that IT has put there counts"
echo '{"session.max_minutes": 15}' >"$root/etc/deskside/policies/managed/10-site.json"
as_user deskside-cli policy show --json | grep -q '10-site.json' || fail "the policy does not count"

say "upgrade to $(version_of "$newer"), and the whole journey without a display"
mkdir -p "$root/home/user/.local/share/deskside"
echo typed >"$root/home/user/.local/share/deskside/pending.probe"
chown -R 1000:1000 "$root/home/user"
put_debs "$newer"
install_debs ""
is_version "$(version_of "$newer")"
as_user deskside demo --headless --size small --out /home/user/demo >"$root/demo.log" 2>&1 || { tail -n 30 "$root/demo.log"; fail "demo"; }
[ -s "$root/home/user/demo/session.png" ] || fail "the demo left no picture of a session"
grep -q 15 "$root/etc/deskside/policies/managed/10-site.json" || fail "the upgrade touched a policy"

say "back to $(version_of "$older"): only when asked for, and nothing of the person's is touched"
put_debs "$older"
install_debs "" && fail "apt went back to an older version unasked"
install_debs --allow-downgrades
is_version "$(version_of "$older")"
grep -q typed "$root/home/user/.local/share/deskside/pending.probe" || fail "a person's file was touched"

say "removal leaves policies and what people have; purge too"
inside apt-get remove -q -y deskside deskside-companion deskside-runtime >/dev/null
[ ! -e "$root/usr/bin/deskside" ] && [ ! -e "$root/usr/lib/deskside" ] || fail "removal left programs"
[ -s "$root/etc/deskside/policies/managed/10-site.json" ] || fail "removal took a policy"
inside apt-get purge -q -y deskside deskside-companion deskside-runtime >/dev/null 2>&1
[ -s "$root/etc/deskside/policies/managed/10-site.json" ] || fail "purge took an administrator's policy"
[ -s "$root/home/user/.local/share/deskside/pending.probe" ] || fail "purge took a person's data"
rest=$(find "$root/usr" "$root/var/lib/dpkg/info" -name '*deskside*' | head)
[ -z "$rest" ] || fail "left: $rest"
echo "debs: installed, upgraded, taken back, removed and purged; all checks passed"
