"""Kernels that share nothing with the server's Python: other Pythons, R and bash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_julia
from tree_sitter import Language, Parser

from nbrucio.pipeline.manifest import ManifestEntry, ManifestFile
from nbrucio.pipeline.manifest_files import write
from nbrucio.sandbox import Sandbox
from tests.jupyter.test_open_policy import put
from tests.support import interpreters
from tests.support.jupyter_server import Server, base_environment, declaring, serve
from tests.support.manifests import local_entry, of
from tests.support.programs import need

DIMUON = "sandbox:dimuon"
#: The oldest and the newest but the one that runs this; where there is no other, that one.
_OTHERS = [version for version in interpreters.present() if version != interpreters.RUNNING]
FOREIGN = _OTHERS[:1] + _OTHERS[1:][-1:] or [interpreters.RUNNING]


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> object:
    """A server that has kernels of other Pythons, which have ipykernel and nothing of nbrucio."""
    folder = tmp_path_factory.mktemp("foreign")
    data = folder / "jupyter-data"
    with ThreadPoolExecutor() as pool:  # most of the time is spent in waiting for the registry
        pythons = list(pool.map(lambda version: make_environment(folder / f"py{version}", version), FOREIGN))
    for version, python in zip(FOREIGN, pythons, strict=True):
        kernel = data / "kernels" / f"py{version}"
        kernel.mkdir(parents=True)
        argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (kernel / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": version, "language": "python", "env": {"PYTHONHOME": ""}})
        )
    with serve(folder, base_environment(folder) | dict(sandbox.env()) | {"JUPYTER_DATA_DIR": str(data)}) as running:
        yield running


def make_environment(folder: Path, version: str) -> Path:
    """The Python of a new environment with ipykernel."""
    subprocess.run([interpreters.get(version), "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-compile", "ipykernel"], check=True, stderr=subprocess.PIPE)
    return python


@pytest.mark.parametrize("version", FOREIGN)
def test_a_python_without_nbrucio_gets_gate_and_data(foreign: Server, version: str, tmp_path: Path) -> None:
    server = foreign.fresh(tmp_path.name)
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    with server.kernel("a.ipynb", f"py{version}") as kernel:
        output = kernel.run(
            "import sys, nbrucio\n"
            "files = nbrucio.data['dimuon']\n"
            "print('%d.%d' % sys.version_info[:2], len(files), all(open(p, 'rb').read(4) == b'root' for p in files))\n"
            "print([type(t).__name__ for t in get_ipython().ast_transformers])\n"
            "import importlib.util; print(importlib.util.find_spec('click'))"
        )
        assert output.status == "ok", output.traceback
        assert output.text == f"{version} 4 True\n['Gate']\nNone\n"
        stopped = kernel.run("nbrucio.data['jets']")
        assert "declares no data as 'jets'" in stopped.traceback[0]


def test_a_shell_reads_the_plain_form_in_a_kernel(shared_server: Server, tmp_path: Path) -> None:
    server = shared_server.fresh(tmp_path.name)
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    with server.kernel("a.ipynb", "bash-of-the-test") as kernel:
        output = kernel.run(
            """awk -F'\\t' '$1 == "dimuon" && $2 == "ready" { print $3 }' "${NBRUCIO_MANIFEST%.json}.tsv" """
            '| while read -r path; do head -c 4 "$path"; done; echo'
        )
    assert output.text.strip() == "root" * 4


TEXT: Any = {"capture_output": True, "text": True, "check": False}


def change(path: Path) -> None:
    """Append a byte to a file, whoever may write it."""
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"x")


def documented(language: str) -> str:
    """The reader for a language as the guide gives it, so that what people copy is what is tested."""
    guide = (Path(__file__).parents[2] / "docs" / "kernels.md").read_text(encoding="utf-8")
    return guide.partition(f"```{language}\n")[2].partition("```")[0]


def test_cpp_reads_the_plain_form(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    coming = ManifestEntry("taus", "s:taus", None, "syncing")
    manifest = write(of(tmp_path / "nb.ipynb", local_entry(tmp_path, "muons", "x", "y"), coming), environ)
    main = (
        "#include <iostream>\nint main(int, char** words) {\n"
        "  try { for (auto& path : nbrucio(words[1])) std::cout << path << '\\n'; }\n"
        "  catch (const std::exception& error) { std::cout << error.what() << '\\n'; }\n}\n"
    )
    source = tmp_path / "reader.cpp"
    source.write_text(documented("cpp") + main)
    subprocess.run([need("g++"), "-std=c++17", "-Wall", "-Werror", "-o", tmp_path / "reader", source], check=True)

    def read(handle: str) -> list[str]:
        return subprocess.run(
            [tmp_path / "reader", handle],
            env={"NBRUCIO_MANIFEST": str(manifest)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    assert read("muons") == [str(tmp_path / "x"), str(tmp_path / "y")]
    assert read("taus") == ["taus is not ready: syncing"]
    assert read("jets") == ["This notebook declares no data as jets"]
    change(tmp_path / "y")
    assert read("muons") == [f"{tmp_path / 'y'} is gone or has another size. Sync again."]


def test_a_shell_reads_the_plain_form(tmp_path: Path) -> None:
    environ = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    streamed = ManifestFile("s:z", None, "https://storage.example.org/z", 9)
    entries = (
        local_entry(tmp_path, "muons", "x", "y"),
        ManifestEntry("jets", "s:jets", None, "ready", (streamed,)),
        ManifestEntry("taus", "s:taus", None, "syncing"),
    )
    manifest = write(of(tmp_path / "nb.ipynb", *entries), environ)

    def read(handle: str) -> list[str]:
        code = documented("bash").replace("\nnbrucio muons\n", f"\nnbrucio {handle}\n")
        words = ["bash", "-euc", code]
        done = subprocess.run(words, env={"NBRUCIO_MANIFEST": str(manifest), "PATH": os.environ["PATH"]}, **TEXT)
        assert (done.returncode == 0) == (not done.stderr)
        return (done.stdout + done.stderr).splitlines()

    assert read("muons") == [str(tmp_path / "x"), str(tmp_path / "y")]
    assert read("jets") == ["https://storage.example.org/z"]
    assert read("taus") == ["taus is not ready: syncing"]
    assert read("none") == ["This notebook declares no data as none."]
    change(tmp_path / "y")
    assert read("muons") == [str(tmp_path / "x"), f"{tmp_path / 'y'} is gone or has another size. Sync again."]
    (tmp_path / "x").unlink()
    assert read("muons") == [f"{tmp_path / 'x'} is gone or has another size. Sync again."]


def test_the_reader_for_julia_is_julia() -> None:
    # There is no Julia to run it with in the package registries that tests use, so this is its grammar only.
    parser = Parser(Language(tree_sitter_julia.language()))
    code = documented("julia")
    assert code
    assert not parser.parse(code.encode()).root_node.has_error
    assert parser.parse(code.replace("isempty(own) &&", "isempty(own &&").encode()).root_node.has_error


def test_r_reads_the_manifest(shared_server: Server, tmp_path: Path) -> None:
    need("R")
    server = shared_server.fresh(tmp_path.name)
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    server.sync("a.ipynb")
    with server.kernel("a.ipynb", "ir") as kernel:
        kernel.run(documented("r").replace('paths <- nbrucio("muons")', ""))
        output = kernel.run(
            "paths <- nbrucio('dimuon')\n"
            "cat(length(paths), all(sapply(paths, function(p) rawToChar(readBin(p, 'raw', 4)) == 'root')))"
        )
        assert output.text == "4 TRUE", output.traceback
        path = Path(kernel.run("cat(paths[4])").text)
        before = path.stat()
        change(path)
        changed = kernel.run("nbrucio('dimuon')")
        os.truncate(path, before.st_size)  # other tests have the same store
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        path.chmod(before.st_mode)
        assert "is gone or has another size" in "".join(changed.traceback)
        missing = kernel.run("nbrucio('jets')")
        assert "declares no data as 'jets'" in "".join(missing.traceback)


@pytest.fixture(scope="module", autouse=True)
def _bash_kernel(shared_server: Server) -> None:
    kernel = shared_server.folder / "home" / ".local" / "share" / "jupyter" / "kernels" / "bash-of-the-test"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    value = {"argv": argv, "display_name": "bash", "language": "bash", "env": {"PS1": os.environ.get("PS1", "$ ")}}
    (kernel / "kernel.json").write_text(json.dumps(value))
