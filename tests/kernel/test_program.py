"""Programs that are no kernels: a script is its own notebook, a prompt reads the one that is synced in its folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.pipeline.manifest import Manifest
from nbrucio.pipeline.manifest_files import write
from tests.support.manifests import local_entry

ASK = "import nbrucio; print(*nbrucio.data['muons'])"
HEADER = "# ---\n# jupyter:\n#   nbrucio:\n#     version: 1\n# ---\n"


def python(folder: Path, *words: str, stdin: str = "", **env: str) -> str:
    """What Python prints in ``folder``; of an error its last lines."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "NBRUCIO_RUNTIME_DIR": str(folder / "run"), **env},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + "\n".join(done.stderr.splitlines()[-2:])


def synced(folder: Path, name: str, content: str = "{}") -> str:
    """A notebook that was synced; returns the path of its only file."""
    (folder / name).write_text(content)
    entry = local_entry(folder, "muons", f"data-of-{name}")
    write(Manifest.of(folder / name, [entry]), {"NBRUCIO_RUNTIME_DIR": str(folder / "run")})
    return str(folder / f"data-of-{name}")


@pytest.mark.parametrize("words", [("-c", ASK), ("-i",), ("-",), ("plot.py",), ("-m", "plot")])
def test_a_program_beside_one_synced_notebook_reads_its_data(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "plot.py").write_text(ASK)
    (tmp_path / "other.ipynb").write_text("{}")
    expected = synced(tmp_path, "nb.ipynb")
    assert expected in python(tmp_path, *words, stdin=ASK + "\n")


def test_a_script_that_declares_data_is_its_own_notebook(tmp_path: Path) -> None:
    synced(tmp_path, "nb.ipynb")
    (tmp_path / "analysis.py").write_text(HEADER + ASK)
    told = python(tmp_path, "analysis.py")
    assert "'muons' is missing: this notebook has not been synced on this machine.\nRun: nbrucio sync" in told
    assert told.endswith("analysis.py")
    expected = synced(tmp_path, "analysis.py", HEADER + ASK)
    assert python(tmp_path, "analysis.py").strip() == expected
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    own = {"NBRUCIO_RUNTIME_DIR": str(tmp_path / "run")}
    assert python(elsewhere, "../analysis.py", **own).strip() == expected


def test_a_script_in_worker_processes_is_the_same_notebook(tmp_path: Path) -> None:
    code = (
        "import multiprocessing\ndef ask(_):\n    import nbrucio\n    return nbrucio.data['muons'][0]\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(ask, [0])[0])\n"
    )
    synced(tmp_path, "other.ipynb")
    assert python(tmp_path, "analysis.py") != ""
    expected = synced(tmp_path, "analysis.py", HEADER + code)
    assert python(tmp_path, "analysis.py").strip() == expected


def test_the_notebook_that_is_named_beats_the_others(tmp_path: Path) -> None:
    synced(tmp_path, "one.ipynb")
    expected = synced(tmp_path, "two.ipynb")
    assert python(tmp_path, "-c", ASK, NBRUCIO_NOTEBOOK="two.ipynb").strip() == expected


def test_without_a_synced_notebook_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    told = python(tmp_path, "-c", ASK)
    assert told.endswith(
        f"'muons' is missing: no notebook in {tmp_path} has been synced on this machine. "
        "Sync one, or set NBRUCIO_NOTEBOOK to the path of the notebook.\nRun: nbrucio sync NOTEBOOK"
    )


def test_of_several_synced_notebooks_none_is_guessed(tmp_path: Path) -> None:
    synced(tmp_path, "one.ipynb")
    synced(tmp_path, "two.ipynb")
    told = python(tmp_path, "-c", ASK)
    assert told.endswith(
        f"several notebooks in {tmp_path} are synced (one.ipynb, two.ipynb). "
        "Set NBRUCIO_NOTEBOOK to the path of the notebook.\nRun: export NBRUCIO_NOTEBOOK=NOTEBOOK"
    )


def test_a_program_keeps_the_notebook_that_it_began_with(tmp_path: Path) -> None:
    expected = synced(tmp_path, "one.ipynb")
    synced(tmp_path, "two.ipynb")
    two = next(path for path in (tmp_path / "run").glob("*.json") if "two.ipynb" in path.read_text())
    hidden = two.rename(tmp_path / "hidden")
    code = f"import os, nbrucio; nbrucio.data['muons']; os.rename({str(hidden)!r}, {str(two)!r}); {ASK}"
    assert python(tmp_path, "-c", code).strip() == expected
