"""The pickle of a plugin: on workers that cannot use it, and without credentials."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from distributed.protocol.pickle import dumps, loads

from nbrucio.errors import MissingDependency, UnreadableFile
from nbrucio.runners import dask_pickle
from nbrucio.runners.dask import SyncPlugin, _Live
from tests.runners.conftest import Shell

LOAD = """
import pickle, sys
plugin = pickle.load(sys.stdin.buffer)
try:
    plugin.setup(None)
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_worker_without_nbrucio_gets_a_plugin_whose_set_up_says_so(shell: Shell) -> None:
    plugin = SyncPlugin(shell.notebook({"did": "sandbox:any", "handle": "any"}))
    # The libraries of the tests without nbrucio: this Python does not read the ``.pth`` file of the checkout.
    done = subprocess.run(
        [Path(sys.base_prefix, "bin", "python3"), "-c", LOAD],
        input=dumps(plugin),
        env={"PYTHONPATH": sysconfig.get_path("purelib")},
        cwd=shell.folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = done.stdout.decode()
    assert line.startswith("ModuleNotFoundError On ")
    assert "no nbrucio of this version" in line
    assert line.endswith(" Next: run `pip install --upgrade 'nbrucio[dask]'` there\n")


def test_a_plugin_of_a_newer_nbrucio_is_refused_in_words(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = SyncPlugin(shell.notebook({"did": "sandbox:any", "handle": "any"}))
    with monkeypatch.context() as newer:
        newer.setattr(dask_pickle, "VERSION", dask_pickle.VERSION + 1)
        sent = dumps(plugin)
    with pytest.raises(MissingDependency, match=r"On .*: A newer nbrucio sent nbrucio-nb\.ipynb-.* Next: run `pip"):
        loads(sent).setup(None)
    assert loads(dumps(plugin)).name == plugin.name


def test_a_scratch_folder_that_cannot_be_written_is_named(shell: Shell) -> None:
    plugin = SyncPlugin(shell.notebook({"did": "sandbox:any", "handle": "any"}))
    with pytest.raises(UnreadableFile, match="cannot be written: no such file") as raised:
        plugin._prepare(shell.folder / "removed" / "nb.ipynb", _Live())
    assert "local_directory" in (raised.value.hint or "")


def test_a_plugin_has_no_credentials(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"BEARER_TOKEN": "ey" + "secret" * 10, "RUCIO_PASSWORD": "pw-of-a-user"}
    proxy = shell.folder / "proxy.pem"
    proxy.write_text("-----BEGIN PRIVATE KEY-----")
    for name, value in {**shell.env, **secrets, "X509_USER_PROXY": str(proxy)}.items():
        monkeypatch.setenv(name, value)
    sent = dumps(SyncPlugin(shell.notebook({"did": "sandbox:any", "handle": "any"}), store="data"))
    assert b"sandbox:any" in sent
    for secret in (*secrets.values(), "PRIVATE KEY", "password", str(proxy)):
        assert secret.encode() not in sent
