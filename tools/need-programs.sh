#!/bin/sh
# What tests and benchmarks need and pip does not have: a real xrootd server, a browser, an R kernel and a C++ compiler.
# Wide matrices also need a KDC.
# usage: need-programs.sh PROGRAM...        (xrootd, chromium, R, g++, krb5kdc, krb5-config, ssh-keygen)
set -eu
packages=
for program in "$@"; do
    command -v "$program" >/dev/null && continue
    case $program in
        xrootd) packages="$packages xrootd-server xrootd-client" ;;
        R) packages="$packages r-base-core r-cran-irkernel" ;;
        fusermount3) packages="$packages fuse3" ;;
        mksquashfs) packages="$packages squashfs-tools" ;;
        krb5kdc) packages="$packages krb5-kdc krb5-admin-server krb5-user" ;;
        ssh-keygen) packages="$packages openssh-client" ;;
        krb5-config) packages="$packages libkrb5-dev" ;;
        *) packages="$packages $program" ;;
    esac
done
[ -n "$packages" ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086 - one word a package
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "Some programs are not installed; the tests that need them will fail." >&2
    echo "hint: sudo apt-get install$packages" >&2
fi
