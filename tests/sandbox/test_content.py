"""What a sandbox holds, and how it is reached."""

from __future__ import annotations

import hashlib
import http.client
import importlib
import os
import ssl
import subprocess
import sys
import time
import uuid
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import uproot

from nbrucio.core.did import Did
from nbrucio.errors import UsageError
from nbrucio.sandbox import Sandbox, seed
from nbrucio.sandbox.content import ODD_NAMES, ODD_TWIN
from nbrucio.sandbox.dimuon import MUON_MASS_GEV, RESONANCES, Events, Floats, make_events
from tests.support.access_log import new_requests


def _rucio(sandbox: Sandbox, *arguments: str, cwd: Path | None = None) -> str:
    """What the plain ``rucio`` command prints; fails when it fails."""
    command = [str(Path(sys.executable).with_name("rucio")), *arguments]
    left_over = {"RUCIO_CONFIG": "/nowhere/rucio.cfg", "RUCIO_ACCOUNT": "other", "RUCIO_AUTH_TYPE": "x509"}
    environment = {**os.environ, **left_over, **sandbox.env()}
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def _get(sandbox: Sandbox, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    tls = ssl.create_default_context(cafile=str(sandbox.root / "storage" / "ca.pem"))
    parts = urlsplit(url)
    with closing(http.client.HTTPSConnection(parts.netloc, context=tls, timeout=30)) as connection:
        connection.request("GET", parts.path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def _https_pfn(sandbox: Sandbox, did: Did) -> str:
    with sandbox.client() as client:
        (replica,) = client.list_replicas([{"scope": did.scope, "name": did.name}], schemes=["https"])
    return str(*replica["pfns"])


def test_seeded_collections(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        kinds = {name: client.get_did("sandbox", name) for name in ("dimuon", "growing", "mounted", "odd.names")}
        assert {name: did["open"] for name, did in kinds.items()} == {
            "dimuon": False,
            "growing": True,
            "mounted": False,
            "odd.names": False,
        }
        assert {child["name"] for child in client.list_content("sandbox", "muons")} == {"dimuon", "growing"}
        assert client.get_metadata("sandbox", "dimuon")["project"] == "dimuon"
        replicas = {
            row["name"]: set(row["rses"]) for row in client.list_replicas([{"scope": "sandbox", "name": "dimuon"}])
        }
    assert replicas == {
        "dimuon.1.root": {"SANDBOX_HTTPS", "SANDBOX_POSIX"},
        "dimuon.2.root": {"SANDBOX_HTTPS", "SANDBOX_POSIX"},
        "dimuon.3.root": {"SANDBOX_HTTPS"},
        "dimuon.4.root": {"SANDBOX_HTTPS"},
    }


def test_catalogue_tells_true_sizes_and_checksums(sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        files = [*client.list_files("sandbox", "dimuon"), *client.list_files("sandbox", "odd.names")]
        dids = [Did(file["scope"], file["name"]) for file in files]
        paths = seed.replica_paths(client, "SANDBOX_HTTPS", dids)
        md5 = client.get_metadata("sandbox", "dimuon.1.root")["md5"]
    for file, did in zip(files, dids, strict=True):
        data = paths[did].read_bytes()
        assert (file["bytes"], file["adler32"]) == (len(data), f"{zlib.adler32(data):08x}")
    assert md5 == hashlib.md5(paths[Did("sandbox", "dimuon.1.root")].read_bytes()).hexdigest()


def test_every_odd_name_is_delivered_over_https_and_file(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        rows = list(client.list_replicas([{"scope": "sandbox", "name": "odd.names"}]))
    expected = {Did("sandbox", name) for name in (*ODD_NAMES, ODD_TWIN)} | {Did("user.sandbox", ODD_TWIN)}
    assert {Did(row["scope"], row["name"]) for row in rows} == expected
    for row in rows:
        did = Did(row["scope"], row["name"])
        for pfn in row["pfns"]:
            data = Path(urlsplit(pfn).path).read_bytes() if pfn.startswith("file:") else _get(sandbox, pfn)[1]
            assert data == f"{did}\n".encode(), pfn
        assert len(row["pfns"]) == 2


def test_plain_rucio_client_reads_everything(sandbox: Sandbox, tmp_path: Path) -> None:
    assert "account    : sandbox" in _rucio(sandbox, "whoami")
    assert "sandbox:dimuon" in _rucio(sandbox, "did", "list", "sandbox:*")
    _rucio(sandbox, "download", "--rses", "SANDBOX_HTTPS", "sandbox:dimuon", cwd=tmp_path)
    _rucio(sandbox, "download", "sandbox:mounted", cwd=tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.root")}
    assert names == {f"dimuon/dimuon.{n}.root" for n in range(1, 5)} | {f"mounted/mounted.{n}.root" for n in (1, 2)}


def test_plain_account_may_make_datasets_and_rules(sandbox: Sandbox) -> None:
    name = f"mine.{uuid.uuid4().hex}"
    with sandbox.client() as client:
        seed.add_dataset(client, "user.sandbox", name, [Did("sandbox", "dimuon.1.root")])
        (rule,) = client.add_replication_rule([{"scope": "user.sandbox", "name": name}], 1, "SANDBOX_HTTPS")
        assert client.get_replication_rule(rule)["state"] == "OK"


def test_mount_of_the_configuration_leads_to_the_file(sandbox: Sandbox) -> None:
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    instance = tomllib.loads(Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text())["instances"]["sandbox"]
    (mount,) = instance["mounts"]
    with sandbox.client() as client:
        (row,) = client.list_replicas([{"scope": "sandbox", "name": "mounted.1.root"}])
    (pfn,) = row["rses"][mount["rse"]]
    on_disk = Path(mount["path"], urlsplit(pfn).path.strip("/").split("/", mount["begins_at"])[-1])
    assert on_disk.stat().st_size == row["bytes"]
    assert instance["identity"] == "sandbox.localhost"
    assert (instance["host"], instance["auth_host"]) == (sandbox.status().server_url,) * 2


def test_storage_honours_ranges_and_logs_their_bytes(sandbox: Sandbox) -> None:
    pfn = _https_pfn(sandbox, Did("sandbox", "dimuon.3.root"))
    status, whole = _get(sandbox, pfn)
    assert status == 200
    with new_requests(sandbox.storage_log) as requests:
        assert _get(sandbox, pfn, {"Range": "bytes=1000-1099"}) == (206, whole[1000:1100])
        assert _get(sandbox, pfn, {"Range": f"bytes={len(whole) - 10}-"}) == (206, whole[-10:])
    assert [(r.method, r.path, r.status, r.size_bytes) for r in requests] == [
        ("GET", urlsplit(pfn).path, 206, 100),
        ("GET", urlsplit(pfn).path, 206, 10),
    ]


def test_storage_is_known_by_our_ca_only(sandbox: Sandbox) -> None:
    parts = urlsplit(_https_pfn(sandbox, Did("sandbox", "dimuon.3.root")))
    connection = http.client.HTTPSConnection(parts.netloc, context=ssl.create_default_context())
    with closing(connection), pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", parts.path)


def test_only_holders_of_the_certificate_write(sandbox: Sandbox) -> None:
    tls = ssl.create_default_context(cafile=str(sandbox.root / "storage" / "ca.pem"))
    netloc = urlsplit(sandbox.status().storage_url or "").netloc
    path = f"/data/written.{uuid.uuid4().hex}"
    statuses = []
    for certificate in (None, sandbox.env()["X509_USER_PROXY"]):
        if certificate is not None:
            tls.load_cert_chain(certificate)
        with closing(http.client.HTTPSConnection(netloc, context=tls, timeout=30)) as connection:
            connection.request("PUT", path, body=b"hello")
            statuses.append(connection.getresponse().status)
    assert statuses == [403, 201]
    assert _get(sandbox, f"https://{netloc}{path}") == (200, b"hello")


def test_thousand_files_seed_and_resolve_quickly(sandbox: Sandbox) -> None:
    tag = uuid.uuid4().hex
    files = [seed.NewFile(Did("sandbox", f"{tag}.{n}"), b"%d" % n) for n in range(1000)]
    with sandbox.admin() as client:
        seed.add_files(client, files, ["SANDBOX_HTTPS", "SANDBOX_POSIX"])
        dataset = seed.add_dataset(client, "sandbox", tag, [file.did for file in files])
        key = {"scope": dataset.scope, "name": dataset.name}
        listing = min(_seconds(lambda: client.list_files(**key), 1000) for _ in range(3))
        resolving = min(_seconds(lambda: client.list_replicas([key]), 1000) for _ in range(3))
    # About 12 with Rucio's caches in memory, 150 without, where each replica costs several queries.
    assert resolving / listing < 60


def _seconds(call: Callable[[], Iterable[object]], rows: int) -> float:
    began = time.perf_counter()
    assert len(list(call())) == rows
    return time.perf_counter() - began


def test_parallel_writers_wait_for_each_other(sandbox: Sandbox) -> None:
    tag = uuid.uuid4().hex

    def write(worker: int) -> int:
        with sandbox.admin() as client:
            for n in range(10):
                client.add_dataset("sandbox", f"{tag}.{worker}.{n}")
                attached = [{"scope": "sandbox", "name": "dimuon.1.root"}]
                client.attach_dids("sandbox", f"{tag}.{worker}.{n}", attached)
            return len(list(client.list_dids("sandbox", [{"name": f"{tag}.{worker}.*"}])))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(4))) == [10] * 4


def test_names_that_lead_out_of_the_storage_are_not_written(sandbox: Sandbox) -> None:
    with sandbox.admin() as client, pytest.raises(UsageError, match="would be outside"):
        seed.add_file(client, "sandbox", "a/../../../../../escape", b"x", ["SANDBOX_POSIX"])


def test_events_are_the_same_for_the_same_seed() -> None:
    one, same, other = make_events(1000, 1), make_events(1000, 1), make_events(1000, 2)
    assert all(np.array_equal(one[key], same[key]) for key in one)
    assert not np.array_equal(one["mu1_pt"], other["mu1_pt"])


def test_resonances_stand_out_of_the_seeded_dimuon_spectrum(sandbox: Sandbox) -> None:
    with sandbox.admin() as client:
        dids = [Did("sandbox", f"dimuon.{n}.root") for n in range(1, 5)]
        paths = seed.replica_paths(client, "SANDBOX_HTTPS", dids).values()
    parts = []
    for path in paths:
        with uproot.open(path) as file:
            parts.append(file["Events"].arrays(library="np"))
    events = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    assert events["mu1_pt"].size == 400_000
    assert {str(values.dtype) for values in events.values()} == {"float32", "int32"}
    assert bool(np.all(events["mu1_pt"] >= events["mu2_pt"]))
    mass = _invariant_mass(events)[events["mu1_charge"] != events["mu2_charge"]]
    for resonance in RESONANCES:
        if resonance.name in {"rho", "omega"}:
            continue  # one broad bump of both
        half = max(0.01 * resonance.mass_gev, resonance.width_gev)
        peak = np.count_nonzero(np.abs(mass - resonance.mass_gev) < half)
        sides = np.count_nonzero(np.abs(mass - resonance.mass_gev) < 2 * half) - peak
        assert peak > 1.3 * sides, resonance.name
    bump = np.count_nonzero(np.abs(mass - 0.78) < 0.05)
    assert bump > 1.3 * np.count_nonzero(np.abs(mass - 0.90) < 0.05)


def _invariant_mass(events: Events) -> Floats:
    """The mass of each pair in GeV, from what `make_events` gives."""
    energy, px, py, pz = 0.0, 0.0, 0.0, 0.0
    for name in ("mu1", "mu2"):
        pt, eta, phi = (np.asarray(events[f"{name}_{key}"], dtype=np.float64) for key in ("pt", "eta", "phi"))
        px, py, pz = px + pt * np.cos(phi), py + pt * np.sin(phi), pz + pt * np.sinh(eta)
        energy = energy + np.sqrt((pt * np.cosh(eta)) ** 2 + MUON_MASS_GEV**2)
    return np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))
