"""A real xrootd server over one folder, for root:// and https://, from Debian's package ``xrootd-server``."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from nbrucio.errors import MissingDependency, Unavailable
from nbrucio.sandbox.tie import end_with

_CONFIG = """\
all.export {folder} r/o
all.adminpath {run}
all.pidpath {run}
xrd.port {port}
xrd.network nodnr
xrootd.chksum max 4 adler32
"""
#: Only people with a certificate of the Grid, who are called by their DN.
_GSI_CONFIG = """\
xrootd.seclib libXrdSec.so
sec.protocol gsi -certdir:{cas} -cert:{run}/gsi.pem -key:{run}/gsi.pem -crl:0 -gmapopt:10 -dlgpxy:0
sec.protbind * only gsi
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
        folder: exported folder, under its own path; everyone must be able to read its files and folders.
        run: folder for configuration, certificate and log.
        certificate: certificate and key in one PEM file, for https; None serves root:// only.
        redirects_to: the port of another server, which serves the files of this one.
        grid: a folder of CAs, and the host's certificate and key in one file, to ask for people's certificates.
    """

    folder: Path
    run: Path
    certificate: Path | None = None
    port: int = 0
    https_port: int = 0
    grid: tuple[Path, Path] | None = None
    redirects_to: int | None = None
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            MissingDependency: xrootd is not installed.
            Unavailable: the server does not start; its log says why.
        """
        program = shutil.which("xrootd")
        if program is None:
            raise MissingDependency(
                "The sandbox's root:// storage needs the program xrootd, which is not installed.",
                subject="xrootd",
                next_command="sudo apt-get install xrootd-server",
            )
        self.run.mkdir(parents=True, exist_ok=True)
        self.port, self.https_port = free_port(), free_port()
        log = self.run / "xrootd.log"
        command = [program, "-c", str(self._configure()), "-l", str(log), "-n", "sandbox"]
        if os.geteuid() == 0:
            command += ["-R", "nobody"]  # xrootd refuses to run as root
        with (self.run / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.run,
                start_new_session=True,  # Ctrl-C goes to the tests only, which then stop the server
            )
        for port in [self.port] + ([self.https_port] if self.certificate else []):
            self._wait_for(port)

    def stop(self) -> None:
        """Stop the server. Idempotent."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def log(self) -> str:
        """Return what it logged."""
        return "".join(path.read_text() for path in self.run.rglob("xrootd.log"))

    def pfn(self, path: Path, scheme: str = "root") -> str:
        """Return the URL of a file in the folder."""
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
        if self.redirects_to is not None:
            text += f"xrootd.redirect localhost:{self.redirects_to} {self.folder}\n"
        if self.grid is not None:
            cas, host = self.grid
            (self.run / "gsi.pem").write_bytes(host.read_bytes())
            (self.run / "gsi.pem").chmod(0o400)
            text += _GSI_CONFIG.format(cas=cas, run=self.run)
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


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _main() -> None:
    """Run the command in the arguments, after the number of the process that it ends with; exit with its code."""
    parent, *command = sys.argv[1:]
    process = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    end_with(int(parent))
    sys.exit(process.wait())


if __name__ == "__main__":
    _main()
