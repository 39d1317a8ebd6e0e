#!/bin/sh
# Make a virtual environment also where Debian and Ubuntu split venv out of their python3 package.
# usage: make-venv.sh PYTHON FOLDER
set -eu
python=$1
folder=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "nbrucio needs Python 3.10 or newer; $python is $("$python" --version 2>&1)." >&2
    echo "hint: name another one, for example: make PYTHON=python3.12 $*" >&2
    exit 1
}
[ -x "$folder/bin/python" ] && exit 0
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$folder"
elif command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
    "$python" -m venv "$folder"
else
    echo "$python has no venv module." >&2
    echo "hint: sudo apt-get install python3-venv" >&2
    exit 1
fi
