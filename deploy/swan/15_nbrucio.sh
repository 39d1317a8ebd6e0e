# shellcheck shell=bash
# Prepares a SWAN session for nbrucio. Goes to /usr/local/bin/before-notebook.d/, whose scripts are sourced as root
# under `set -e` before the server starts. It exports one variable, creates no file and contacts no server, so that a
# session starts whatever state CVMFS, Rucio and EOS are in.

_nbrucio_log() {
    if [ "$(type -t _log)" = function ]; then _log "nbrucio: $*"; else echo "nbrucio: $*" >&2; fi
}

if [ "${SWAN_USE_RUCIO:-false}" = true ]; then
    # One folder for the server, its kernels and its terminals: an LCG view or the user's own script may set TMPDIR or
    # XDG_RUNTIME_DIR in some of them. The server creates it, as the user.
    export NBRUCIO_RUNTIME_DIR="/tmp/nbrucio-${NB_UID:-${NB_USER:-session}}"
    _nbrucio_log "Rucio instance ${SWAN_RUCIO_INSTANCE:-not chosen}, RSE ${SWAN_RUCIO_RSE:-not chosen}"
else
    _nbrucio_log "skipped, because this session was started without Rucio"
fi
unset -f _nbrucio_log
