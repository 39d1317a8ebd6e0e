"""`nbrucio doctor` starts each Python kernel's interpreter and looks whether its data would be found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbrucio.operations.doctor.kernelspecs import kernelspecs
from nbrucio.operations.doctor.values import Finding

Find = Callable[..., list[Finding]]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Find:
    """Installs one kernel, beside none of this machine's, and returns the finding about it."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kernels" / "own").mkdir(parents=True)

    def check(*argv: str, language: str = "python", **env: str) -> list[Finding]:
        spec = {"argv": list(argv), "display_name": "Own", "language": language, "env": env}
        (tmp_path / "kernels" / "own" / "kernel.json").write_text(json.dumps(spec))
        return [each for each in kernelspecs() if each.subject == "kernel own"]

    return check


PYTHON = (sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python without nbrucio."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_a_python_without_nbrucio_is_lent_ours(found: Find, bare: Path) -> None:
    (finding,) = found(str(bare), *PYTHON[1:])
    assert (finding.state.value, finding.text) == ("ok", "Kernel own finds its data with this nbrucio.")


def test_another_module_of_that_name_is_named(found: Find, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "nbrucio.py").write_text("x = 1\n")
    (finding,) = found(str(bare), *PYTHON[1:], PYTHONPATH=str(tmp_path))
    assert finding.state.value == "warning"
    assert f"another module called nbrucio is first, '{tmp_path}/nbrucio.py'." in finding.text
    assert finding.hint == "Rename or remove that module."


def test_another_version_is_named(found: Find, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "nbrucio").mkdir(parents=True)
    (tmp_path / "other" / "nbrucio" / "__init__.py").write_text('data, __version__ = {}, "0.0.1"\n')
    (finding,) = found(str(bare), *PYTHON[1:], PYTHONPATH=str(tmp_path / "other"))
    assert finding.state.value == "warning"
    assert "uses another nbrucio, version '0.0.1' in " in finding.text


def test_a_module_that_cannot_be_imported_is_named(found: Find, bare: Path, tmp_path: Path) -> None:
    (tmp_path / "nbrucio.py").write_text("import no_such_module\n")
    (finding,) = found(str(bare), *PYTHON[1:], PYTHONPATH=str(tmp_path))
    assert (finding.state.value, "No module named 'no_such_module'" in finding.text) == ("warning", True)


def test_an_interpreter_that_is_gone_is_named(found: Find) -> None:
    (finding,) = found("/nowhere/bin/python", *PYTHON[1:])
    assert finding.state.value == "warning"
    assert "'/nowhere/bin/python' cannot be started: No such file or directory" in finding.text


def test_a_wrapper_is_not_tried_and_other_languages_are_not_listed(found: Find) -> None:
    (finding,) = found("/opt/start.sh", "-f", "{connection_file}")
    assert finding.state.value == "unchecked"
    assert found("R", "-m", "x", language="R") == []
