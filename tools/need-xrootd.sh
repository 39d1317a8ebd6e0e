#!/bin/sh
# The tests and benchmarks of root:// need a real server: the program xrootd of Debian's package xrootd-server.
set -eu
command -v xrootd >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq xrootd-server xrootd-client >/dev/null
else
    echo "No program xrootd: the tests of root:// storage will fail." >&2
    echo "hint: sudo apt-get install xrootd-server xrootd-client" >&2
fi
