"""A real Slurm with two nodes on this machine: munged, slurmctld and a slurmd a node, of Debian's packages."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.runners.conftest import Shell
from tests.world.test_other_programs import until

NODES = ("n1", "n2")
_CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_res
SelectTypeParameters=CR_Core
ReturnToService=2
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=2000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=2000
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(shell: Shell, enter: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Provide the environment in which sbatch and srun use it; ``enter`` begins the command of each slurmd."""
    folder = shell.folder.parent / "slurm"
    (folder / "state").mkdir(parents=True)
    for node in NODES:
        (folder / f"spool-{node}").mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o400)
    config = folder / "slurm.conf"
    config.write_text(_CONFIG.format(folder=folder, host=socket.gethostname().partition(".")[0], ports=_ports(3)))
    env = {**shell.env, "SLURM_CONF": str(config)}
    files = {f"--{name}-file": folder / f"munge.{name}" for name in ("key", "pid", "log", "seed")}
    munged = ["--foreground", "--force", f"--socket={folder}/munge.socket", *(f"{k}={v}" for k, v in files.items())]
    with ExitStack() as stack:
        _start(stack, env, folder, "munged", *munged)
        until((folder / "munge.socket").exists)
        _start(stack, env, folder, "slurmctld", "-D", "-c", "-f", str(config))
        for node in NODES:
            _start(stack, env, folder, "slurmd", "-D", "-N", node, "-f", str(config), enter=enter)
        until(lambda: _idle(env) == len(NODES))
        yield env


def _idle(env: dict[str, str]) -> int:
    done = subprocess.run(["sinfo", "-hN", "-o", "%t"], env=env, capture_output=True, text=True, check=False)
    return done.stdout.split().count("idle")


def _start(
    stack: ExitStack, env: dict[str, str], folder: Path, program: str, *words: str, enter: Sequence[str] = ()
) -> None:
    output = stack.enter_context((folder / f"{program}{words[2] if '-N' in words else ''}.log").open("w"))
    path = f"{env['PATH']}{os.pathsep}/usr/sbin"
    process = subprocess.Popen(
        [*enter, program, *words],
        env={**env, "PATH": path},
        stdout=output,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)


def _ports(count: int) -> list[int]:
    """Ports that are free now; Slurm takes them from its configuration only."""
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]
