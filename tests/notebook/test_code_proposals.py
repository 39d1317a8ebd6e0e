"""DIDs that code names for other tools: what is proposed, and what is not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from nbrucio.notebook.code_proposals import proposals


@dataclass(frozen=True)
class Case:
    """Code cells, and the texts that are proposed."""

    name: str
    cells: tuple[str, ...]
    texts: tuple[str, ...] = ()


CMS = "/DYJetsToLL_M-50_TuneCP5_13TeV/RunIISummer20UL18NanoAODv9-v2/NANOAODSIM"
CASES = [
    Case("a shell line", ("!rucio download user.jdoe:set.1 --dir data",), ("user.jdoe:set.1",)),
    Case("a broken shell line", ("!rucio -v download \\\n    --ndownloader 3 \\\n    a:b c:d",), ("a:b", "c:d")),
    Case("the new client", ("!rucio did content list a:b",), ("a:b",)),
    Case("a name without scope", ("!rucio get --rse CERN-PROD user.jdoe.set.1",), ("user.jdoe.set.1",)),
    Case("a bash cell", ("%%bash\nset -e\ncd x && rucio download a:b | tee log; echo rucio:x\n",), ("a:b",)),
    Case("a script cell", ("%%script bash\n# rucio download a:no\n/opt/bin/rucio get 'a:b'\n",), ("a:b",)),
    Case("a variable in a shell line", ("D = 'a:b'", "!rucio download {D}", "!rucio download $D"), ("a:b",)),
    Case("a loop of shell lines", ("for d in ['a:b', 'a:c']:\n    !rucio download {d}",), ("a:b", "a:c")),
    Case("an unknown variable", ("!rucio download $DATASET",)),
    Case("a call of the shell", ("import os\nos.system(f'rucio download {\"a\"}:b')",), ("a:b",)),
    Case("a process", ("subprocess.run(['rucio', 'download', '--dir', 'x', 'a:b'], check=True)",), ("a:b",)),
    Case(
        "replicas",
        ("c.list_replicas([{'scope': 'a', 'name': 'b'}, {'scope': 'a', 'name': f'c{1}'}])",),
        ("a:b", "a:c1"),
    ),
    Case("downloads", ("client.download_dids([{'did': 'a:b', 'base_dir': '.'}])",), ("a:b",)),
    Case("a client's method", ("S = 'a'\nc.list_files(S, 'b')\nc.get_did(scope=S, name='c')",), ("a:b", "a:c")),
    Case("ServiceX", ("ServiceXSourceXAOD('a:b')\nServiceXSourceUpROOT(dataset='a:c')",), ("a:b", "a:c")),
    Case("ServiceX's datasets", ("spec = {'Dataset': dataset.Rucio('a:b')}\nRucioDID('a:c')",), ("a:b", "a:c")),
    Case("coffea", (f"rucio_utils.get_dataset_files_replicas('{CMS}', mode='full')",), (CMS,)),
    Case("a fileset of coffea", (f"ddc.load_dataset_definition({{'{CMS}': {{'short': 'dy'}}}})",), (CMS,)),
    Case("a loop of nbrucio", ("import nbrucio", "for d in ['a:b']:\n    nbrucio.data(d)"), ("a:b",)),
    Case("a plain use of nbrucio", ("import nbrucio", "nbrucio.data('a:b')")),
    Case("a pattern", ("!rucio did list 'a:b*'",)),
    Case("other texts", ("t = '12:30'; u = 'http://x/y'; open('root://x//y:z'); print('a:b')",)),
    Case("a path of files", ("p = '/home/jdoe/NANOAOD'; q = '/A/B/plots'",)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_dids_for_other_tools_are_proposed(case: Case) -> None:
    found = proposals(case.cells)
    assert (tuple(one.text for one in found.found), found.unread) == (case.texts, ())


def test_a_cell_that_cannot_be_read_is_named_if_it_mentions_rucio() -> None:
    found = proposals(["for (", "!rucio download a:b\nfor (", "!rucio download a:c"])
    assert ([(one.text, one.cell) for one in found.found], found.unread) == ([("a:c", 2)], (1,))


def test_other_languages_are_not_read() -> None:
    assert proposals(["rucio download a:b"], "bash").found == ()


@pytest.mark.parametrize(
    "source",
    [
        "!rucio download " + "{a}" * 60_000,
        "!rucio download " + "a:b;" * 40_000,
        "f(" + "'a'+" * 20_000 + "'b') # rucio",
    ],
    ids=["fields", "commands", "sum"],
)
def test_hostile_code_ends_soon(source: str) -> None:
    proposals([source, "!rucio download a:b"])
