"""A kernel of a Jupyter server has every way to use data, and runs old notebooks, as all runners do."""

from __future__ import annotations

from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import Server, declaring, notebook

DIMUON = "sandbox:dimuon"
FILE = "sandbox:dimuon.1.root"


def test_every_form_of_use_works_in_a_session(server: Server) -> None:
    content = declaring(dimuon=DIMUON)
    content["metadata"]["nbrucio"]["requirements"][0]["bind"] = True
    put(server, "a.ipynb", content)
    server.sync("a.ipynb")
    with server.kernel("a.ipynb") as kernel:
        output = kernel.run(
            f"import nbrucio\nby_magic = %rucio {DIMUON}\n"
            f"print(*map(len, (nbrucio.data['dimuon'], nbrucio.data('{DIMUON}'), by_magic, dimuon)))"
        )
        assert (output.status, output.text) == ("ok", "4 4 4 4\n"), output.traceback
        assert kernel.run(f"%%rucio\n{DIMUON}").status == "ok"
        shown = kernel.run("status = %nbrucio status\nprint(status)").text
        assert shown == "ready  dimuon  sandbox:dimuon  4 files, 9.3 MB, cached\n1 of 1 ready\n"


def test_what_the_other_extension_attached_is_there_from_the_first_cell(server: Server) -> None:
    for did in (DIMUON, FILE):
        server.ask("nbrucio/grants", {"did": did})
    attached = [
        {"did": FILE, "type": "file", "variableName": "one"},
        {"did": DIMUON, "type": "collection", "variableName": "many"},
    ]
    put(server, "a.ipynb", notebook("1", metadata={"rucio_attachments": attached}))
    with server.kernel("a.ipynb") as kernel:  # the first cell waits for the sync that the kernel's start began
        output = kernel.run("print(open(one, 'rb').read(4), (one + '.idx')[-9:], len(many), one in many)")
    assert output.status == "ok", output.traceback
    assert output.text.endswith("b'root' .root.idx 4 True\n")
