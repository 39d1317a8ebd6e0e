#!/bin/sh
# What tests and benchmarks need and pip does not have: a real xrootd server, a browser, an R kernel and a C++ compiler.
# Wide matrices also need a KDC, the web servers that sites put in front of Rucio, Java for Spark, and Slurm; benchmarks
# need other programs that download.
# usage: need-programs.sh PROGRAM...        (xrootd, chromium, R, g++, java, krb5kdc, krb5-config, ssh-keygen, aria2c, rclone)
set -eu
packages=
for program in "$@"; do
    command -v "$program" >/dev/null && continue
    case $program in
        xrootd) packages="$packages xrootd-server xrootd-client" ;;
        aria2c) packages="$packages aria2" ;;
        R) packages="$packages r-base-core r-cran-irkernel" ;;
        slurmctld) packages="$packages slurm-wlm" ;;
        munged) packages="$packages munge" ;;
        java) packages="$packages default-jre-headless" ;;
        ip) packages="$packages iproute2" ;;
        fusermount3) packages="$packages fuse3" ;;
        mkfs.exfat) packages="$packages exfatprogs" ;;
        mount.exfat-fuse) packages="$packages exfat-fuse" ;;
        /usr/lib/openssh/sftp-server) packages="$packages openssh-sftp-server" ;;
        setfacl) packages="$packages acl" ;;
        mksquashfs) packages="$packages squashfs-tools" ;;
        krb5kdc) packages="$packages krb5-kdc krb5-admin-server krb5-user" ;;
        ssh-keygen) packages="$packages openssh-client" ;;
        voms-proxy-init) packages="$packages voms-clients-java" ;;
        nginx) packages="$packages nginx-light" ;;
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
