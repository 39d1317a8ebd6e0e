"""``nbrucio export``: other tools read what it writes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zlib
from typing import Any

import pytest
import urllib3
import yaml
from rocrate.rocrate import ROCrate
from rucio.common.utils import parse_replicas_from_string

from nbrucio.operations.export.gather import bare_doi
from nbrucio.sandbox import Sandbox
from tests.runners.conftest import Shell

DOI = "10.7483/OPENDATA.CMS.IYVQ.1J0W"


def test_a_metalink_leads_other_tools_to_the_right_bytes(shell: Shell, small: dict[str, Any], sandbox: Sandbox) -> None:
    done = shell("nbrucio", "export", shell.notebook(small), "--format", "metalink", "-o", "out.meta4")
    assert (done.exit_code, done.out) == (0, "Wrote out.meta4\n"), done.err
    files = parse_replicas_from_string((shell.folder / "out.meta4").read_text())
    assert [file["did"] for file in files] == [f"sandbox:runners/{n}.dat" for n in range(3)]
    (config,) = (line for line in (sandbox.root / "nbrucio.toml").read_text().splitlines() if "storage_ca" in line)
    with urllib3.PoolManager(ca_certs=json.loads(config.partition("=")[2])) as pool:
        for file in files:
            (source,) = file["sources"]
            assert source["rse"] == "SANDBOX_HTTPS"
            data = pool.request("GET", source["pfn"]).data
            assert (len(data), f"{zlib.adler32(data):08x}") == (file["bytes"], file["adler32"])


def test_rucio_downloads_by_the_metalink(shell: Shell) -> None:
    notebook = shell.notebook({"did": "sandbox:odd.names", "handle": "odd", "select": {"match": "*twin*"}})
    assert shell("nbrucio", "export", notebook, "--format", "metalink", "-o", "out.meta4").exit_code == 0
    code = (
        "from rucio.client.downloadclient import DownloadClient\n"
        "done = DownloadClient().download_from_metalink_file({'base_dir': 'got'}, 'out.meta4')\n"
        "print(sorted(str(file['clientState'].value) for file in done))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shell.folder, env=shell.env, capture_output=True, text=True, check=False
    )
    assert done.stdout == "['DONE', 'DONE']\n", done.stderr


def test_citations_name_the_dois(shell: Shell, small: dict[str, Any]) -> None:
    path = shell.notebook(
        {**small, "doi": f"https://doi.org/{DOI}"}, {"did": "s:no_doi", "handle": "other"}, name="my & plot.ipynb"
    )
    cff = yaml.safe_load(shell("nbrucio", "export", path, "--format", "cff").out)
    assert (cff["cff-version"], cff["title"], cff["type"]) == ("1.2.0", "my & plot", "software")
    (reference,) = cff["references"]
    assert (reference["doi"], reference["title"], reference["type"]) == (DOI, "sandbox:runners", "data")
    assert shell("nbrucio", "export", path, "--format", "bibtex").out == (
        "@misc{small,\n  title = {sandbox:runners},\n"
        f"  doi = {{{DOI}}},\n  url = {{https://doi.org/{DOI}}},\n  note = {{Rucio DID sandbox:runners}}\n}}\n"
    )


@pytest.mark.parametrize(("extra", "words"), [({}, "has a DOI"), ({"doi": "12.3/x"}, "'12.3/x', is not a valid DOI")])
def test_without_a_doi_there_is_nothing_to_cite(
    shell: Shell, small: dict[str, Any], extra: dict[str, str], words: str
) -> None:
    done = shell("nbrucio", "export", shell.notebook({**small, **extra}), "--format", "cff")
    assert (done.exit_code, words in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("text", "doi"),
    [(DOI, DOI), (f"doi:{DOI}", DOI), (f"HTTPS://doi.org/{DOI}", DOI), ("10.1/", None), ("https://x.y/10.1/z", None)],
)
def test_dois_are_known_however_they_are_written(text: str, doi: str | None) -> None:
    assert bare_doi(text) == doi


def test_a_crate_tells_what_the_data_is(shell: Shell, small: dict[str, Any]) -> None:
    path = shell.notebook({**small, "doi": DOI})
    assert shell("nbrucio", "lock", path).exit_code == 0
    done = shell("nbrucio", "export", path, "--format", "ro-crate", "-o", "crate", "--offline")
    assert done.exit_code == 0, done.err
    crate = ROCrate(str(shell.folder / "crate"))
    data = crate.dereference("#small")
    assert crate.mainEntity["isBasedOn"] == [data]
    assert data["identifier"] == ["sandbox:runners", f"https://doi.org/{DOI}"]
    listing = shell.folder / "crate" / data["subjectOf"].id
    assert "sha256:" + hashlib.sha256(listing.read_bytes()).hexdigest() == data["version"]
    assert (shell.folder / "crate" / "nb.ipynb").read_bytes() == path.read_bytes()
    again = shell("nbrucio", "export", path, "--format", "ro-crate", "-o", "crate")
    assert (again.exit_code, "is not empty" in again.err) == (2, True)
