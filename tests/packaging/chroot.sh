#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the debs in a fresh, minimal Debian 12 with only what they declare: install, policy, demo, upgrade, removal, purge.
#   sudo tests/packaging/chroot.sh OLDER NEWER [FOLDER]     folders with debs; a FOLDER that is given is kept for the next run
# Where OLDER is a program with an older version of the file of what people typed, its migration is looked at too.
# Needs root and debootstrap. The mirror is the one that this machine's apt uses (or DEBIAN_MIRROR).
set -Eeuo pipefail
older=$(realpath "$1") newer=$(realpath "$2")
root=${3:-$(mktemp -d)}
kept=${3:+yes}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format "\$(REPO_URI)" | head -n 1)}
mounted=()
here=$(cd "$(dirname "$0")/../.." && pwd)
word=a-passphrase-of-this-test
typed='we found the cause'
window=
cleanup() {
    [ -z "$window" ] || kill "$window" 2>/dev/null || true
    for place in "${mounted[@]}"; do umount -l "$root$place"; done
    [ -n "$kept" ] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT
trap 'echo "FAIL: line $LINENO: $BASH_COMMAND" >&2' ERR
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
aged() { (cd "$here" && echo "$word" | .venv/bin/python -m tests.packaging.aged "$1" "$root/home/user/mine" "${@:2}"); }
mine() { echo "$word" | as_user deskside-cli data --data /home/user/mine --passphrase-stdin "$@"; }
settled() { # the window's file is there, and nobody holds it any more
    for _ in $(seq 3000); do # a worker without a server lives on for a minute
        flock -n "$root/home/user/mine/data/agent/ui.lock" flock -n "$root/home/user/mine/data/agent/worker.lock" true && return
        sleep 0.1
    done
    fail "the program did not end"
}
copied_aside() { [ "$root/home/user/mine/data/agent/pending.copy.db" -nt "$root.word" ]; } # the last step of opening the file
# open_window COMMAND...: run the window until COMMAND is true, then end it as a desktop does
open_window() {
    echo "$word" >"$root.word"
    chroot --userspec=1000:1000 "$root" env -i HOME=/home/user PATH=/usr/bin:/bin LANG=C.UTF-8 QT_QPA_PLATFORM=offscreen \
        deskside --data /home/user/mine --passphrase-stdin <"$root.word" >"$root/home/user/said" 2>&1 &
    window=$!
    for _ in $(seq 1200); do
        if "$@"; then break; fi
        sleep 0.1
    done
    "$@" || { cat "$root/home/user/said"; fail "the window did not come to: $*"; }
    kill "$window"
    wait "$window" || true
    window=
    settled
}
version_of() { dpkg-deb -f "$1"/deskside_*.deb Version; }

inside apt-get update -q >/dev/null
inside apt-get purge -q -y 'deskside*' >/dev/null 2>&1 || true
inside apt-get autoremove -q -y --purge >/dev/null 2>&1 || true
rm -rf "$root/etc/deskside" "$root/etc/xdg/autostart" "$root/home/user"
install -d -o 1000 -g 1000 "$root/home/user"

say "install, without a question: $(version_of "$older")"
put_debs "$older"
install_debs ""
is_version "$(version_of "$older")"
[ -z "$(inside dpkg --audit)" ] || fail "dpkg is not content"
for program in deskside deskside-cli deskside-companion; do
    as_user "$program" --version | grep -q '^Deskside ' || fail "$program does not start"
done
mapfile -t files < <(find "$root/usr/lib/deskside" -type f -name '*.so*')
inside env LD_LIBRARY_PATH=/usr/lib/deskside/_internal ldd "${files[@]#"$root"}" >"$root/ldd.log" 2>/dev/null || true
sed -n '/not found/p' "$root/ldd.log" | sort -u | tee "$root/missing.log"
[ ! -s "$root/missing.log" ] || fail "libraries are missing that the package does not declare"
[ -z "$(find "$root/usr/lib/deskside" -perm /6022 -not -type l)" ] || fail "files that others may write, or that are setuid"

# before any start of the program
echo '{"session.max_minutes": 15}' >"$root/etc/deskside/policies/managed/10-site.json"

say "a person types a reply into the older program"
[ ! -e "$root/home/user/mine" ] || fail "there is a profile before the first start"
open_window test -s "$root/home/user/mine/data/agent/replica.db"
before=$(aged put "$typed")
chown -R 1000:1000 "$root/home/user"

say "upgrade to $(version_of "$newer"), and the whole journey without a display"
put_debs "$newer"
install_debs ""
is_version "$(version_of "$newer")"
as_user deskside-cli policy show --json | grep -q '10-site.json' || fail "a policy that IT has put there does not count"
as_user deskside demo --headless --size small --out /home/user/demo >"$root/demo.log" 2>&1 || { tail -n 30 "$root/demo.log"; fail "demo"; }
[ -s "$root/home/user/demo/session.png" ] || fail "the demo left no picture of a session"
grep -q 15 "$root/etc/deskside/policies/managed/10-site.json" || fail "the upgrade touched a policy"

say "what was typed is in the newer program's file"
open_window copied_aside
after=$(aged version)
echo "the file's version: $before, then $after"
[ "$after" -ge "$before" ] || fail "the file became older"
mine show | grep -q "$typed" || fail "what was typed is gone"

say "back to $(version_of "$older"): only when asked for, and nothing of the person's is touched"
put_debs "$older"
install_debs "" >/dev/null && fail "apt went back to an older version unasked"
install_debs --allow-downgrades
is_version "$(version_of "$older")"
is=$(sha256sum <"$root/home/user/mine/data/agent/pending.db")
if [ "$after" -gt "$before" ]; then
    open_window grep -aqs store_too_new "$root/home/user/said"
    [ "$(sha256sum <"$root/home/user/mine/data/agent/pending.db")" = "$is" ] || fail "the older program touched a newer file"
else
    echo "both have the same file: no refusal to look at"
fi

say "removal leaves policies and what people have"
inside apt-get remove -q -y deskside deskside-companion deskside-runtime >"$root/apt.log" 2>&1 || { cat "$root/apt.log"; fail "removal"; }
[ ! -e "$root/usr/bin/deskside" ] && [ ! -e "$root/usr/lib/deskside" ] || fail "removal left programs"
[ -s "$root/etc/deskside/policies/managed/10-site.json" ] || fail "removal took a policy"

say "installed again, all is there as it was; a person takes out what was typed and removes the rest"
put_debs "$newer"
install_debs ""
mine show | grep -q "$typed" || fail "what was typed did not outlast a removal"
mine export /home/user/out >/dev/null
grep -q "$typed" "$root/home/user/out/unsent.json" || fail "what was typed was not taken out"
mine remove --yes >/dev/null
[ -z "$(find "$root/home/user/mine" -type f)" ] || fail "data remove left files"

say "purge takes what the packages brought, and leaves what is the administrator's"
inside apt-get purge -q -y deskside deskside-companion deskside-runtime >"$root/apt.log" 2>&1 || { cat "$root/apt.log"; fail "purge"; }
[ -s "$root/etc/deskside/policies/managed/10-site.json" ] || fail "purge took an administrator's policy"
[ -s "$root/home/user/out/unsent.json" ] || fail "purge took a person's data"
rest=$(find "$root/usr" "$root/etc" "$root/var/lib/dpkg/info" -name '*deskside*' -not -path "$root/etc/deskside")
[ -z "$rest" ] || fail "left: $rest"
echo "debs: installed, upgraded, taken back, removed and purged; all checks passed"
