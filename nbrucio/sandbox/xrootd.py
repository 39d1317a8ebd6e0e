"""A real xrootd server over one folder, for root:// and https://. Debian and Ubuntu have it as ``xrootd-server``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from nbrucio.errors import MissingDependency, Unavailable
from nbrucio.sandbox.tie import tied

_CONFIG = """\
all.export {folder} r/o
all.adminpath {run}
all.pidpath {run}
xrd.port {port}
xrd.network nodnr
xrootd.chksum max 4 adler32
"""
_HTTPS_CONFIG = """\
xrd.protocol http:{https_port} libXrdHttp.so
xrd.tls {run}/server.pem {run}/server.pem
xrd.tlsca noverify
"""


@dataclass
class XrootdServer:
    """One server, which ends with the process that starts it, even when that is killed.

    Args:
        folder: what it shows, under its own path; files and folders in it must be readable by everyone.
        run: a folder for its configuration, certificate and log.
        certificate: certificate and key in one PEM file, for https; None serves root:// only.
    """

    folder: Path
    run: Path
    certificate: Path | None = None
    port: int = 0
    https_port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            MissingDependency: no xrootd is installed.
            Unavailable: it does not start; its log says why.
        """
        program = shutil.which("xrootd")
        if program is None:
            raise MissingDependency(
                "The sandbox's root:// storage needs the program xrootd, which is not installed.",
                subject="xrootd",
                next_command="sudo apt-get install xrootd-server",
            )
        self.run.mkdir(parents=True, exist_ok=True)
        self.port, self.https_port = _free_port(), _free_port()
        log = self.run / "xrootd.log"
        command = [program, "-c", str(self._configure()), "-l", str(log), "-n", "sandbox"]
        if os.geteuid() == 0:
            command += ["-R", "nobody"]  # it refuses to serve as root
        with (self.run / "output.log").open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 our own command line
                tied(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.run,
                start_new_session=True,  # Ctrl-C is for us alone, who then stop it
            )
        for port in [self.port] + ([self.https_port] if self.certificate else []):
            self._wait_for(port)

    def stop(self) -> None:
        """End it. Idempotent."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def pfn(self, path: Path, scheme: str = "root") -> str:
        """The URL of a file in the folder."""
        if scheme == "root":
            return f"root://localhost:{self.port}/{path}"
        return f"https://localhost:{self.https_port}{path}"

    def _configure(self) -> Path:
        text = _CONFIG.format(folder=self.folder, run=self.run, port=self.port)
        if self.certificate is not None:
            copy = self.run / "server.pem"
            copy.write_bytes(self.certificate.read_bytes())
            copy.chmod(0o400)
            text += _HTTPS_CONFIG.format(run=self.run, https_port=self.https_port)
        path = self.run / "xrootd.cfg"
        path.write_text(text)
        if os.geteuid() == 0:
            for one in (self.run, *self.run.iterdir()):
                shutil.chown(one, "nobody")
        return path

    def _wait_for(self, port: int, patience_s: float = 15.0) -> None:
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise Unavailable(
            "The sandbox's xrootd server did not start.", subject="xrootd", hint=f"Its log is in {self.run}."
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
