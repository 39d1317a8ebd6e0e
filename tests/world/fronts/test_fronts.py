"""Rucio and storage behind nginx and haproxy, as sites have them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tomllib

from nbrucio.catalogue.ping import ping
from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Config, Credentials, Instance, Policy
from nbrucio.core.did import Did
from nbrucio.core.events import SilentReporter
from nbrucio.core.files import Replica
from nbrucio.errors import BadConfig, CredentialsRejected, NbrucioError, Offline, RucioRefused
from nbrucio.sandbox import Sandbox
from nbrucio.sandbox.seed import NewFile, add_dataset, add_files
from nbrucio.store import Store
from nbrucio.transfer.fetch import fetch
from nbrucio.transfer.types import StorageAccess, Task, TransferLimits
from tests.support.certificates import BEGINS, DN, ENDED, UserAuthority
from tests.world.fronts.conftest import Front

pytestmark = pytest.mark.world

DIMUON = Did("sandbox", "dimuon")
LONG_TOKEN = "x" * 20_000

Connect = Callable[..., RucioCatalogue]


@pytest.fixture(scope="module")
def many(sandbox: Sandbox) -> list[Did]:
    """300 files of a dataset."""
    dids = [Did("sandbox", f"fronts/{number:03}") for number in range(300)]
    with sandbox.admin() as client:
        add_files(client, [NewFile(did, b"x") for did in dids], ["SANDBOX_HTTPS"])
        add_dataset(client, "sandbox", "fronts", dids, closed=True)
    return dids


@pytest.fixture
def connect(front: Front, sandbox: Sandbox, tmp_path: Path) -> Iterator[Connect]:
    """Returns the catalogue at a path of the front, each with saved tokens of its own."""
    own = tomllib.loads(Path(sandbox.env()["NBRUCIO_CONFIG"]).read_text())["instances"]["sandbox"]
    password = Credentials(own["username"], own["password"])
    numbers, made = itertools.count(), []

    def make(
        path: str = "/rucio", auth_type: str = "userpass", url: str = front.url, **login: object
    ) -> RucioCatalogue:
        credentials = Credentials(**login) if login else password  # type: ignore[arg-type]
        at = url + path
        instance = Instance("cern", "cern", at, at, auth_type, "sandbox", credentials, ca_cert=front.ca)
        runtime = tmp_path / str(next(numbers))
        runtime.mkdir(mode=0o700)
        environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), "LONG": LONG_TOKEN}
        policy = Policy(read_timeout_s=30)
        made.append(RucioCatalogue(instance, policy, environ=environ, config=Config((instance,), instance, tmp_path)))
        return made[-1]

    yield make
    for catalogue in made:
        catalogue.close()


def _error(catalogue: RucioCatalogue) -> NbrucioError:
    with pytest.raises(NbrucioError) as caught:
        catalogue.describe(DIMUON)
    return caught.value


@pytest.mark.parametrize("path", ["/rucio", "/unbuffered", "/packed", "/closing", "/counting", "/small"])
def test_answers_arrive_whole_however_the_front_passes_them_on(connect: Connect, many: list[Did], path: str) -> None:
    """With a path prefix, whole or in pieces, compressed, over connections that end, with a limit on requests."""
    catalogue = connect(path)
    assert [catalogue.describe(DIMUON).files for _ in range(5)] == [4] * 5
    assert sorted(entry.did for entry in catalogue.files(Did("sandbox", "fronts"))) == many
    found = dict(catalogue.replicas(many))
    assert sorted(found) == many
    assert {len(replicas) for replicas in found.values()} == {1}


def test_a_limit_on_requests_is_found_once(connect: Connect, many: list[Did], front: Front) -> None:
    catalogue = connect("/small")
    first = _lines(front, "replicas/list")
    list(catalogue.replicas(many))
    between = _lines(front, "replicas/list")
    list(catalogue.replicas(many))
    refused, later = between - first, _lines(front, "replicas/list") - between
    assert 0 < later < refused


@pytest.mark.parametrize(
    ("path", "words", "hint"),
    [
        ("/down", "50[23] (Bad Gateway|Service Unavailable)", "Try again in a few minutes."),
        ("/silent", "504 Gateway Time-out", "Try again in a few minutes."),
        ("/busy", "503", "Try again in 1 s, as the server asks."),
        ("/maintained", "503", "Try again in 60 min, as the server asks."),
    ],
)
def test_a_front_without_its_rucio_is_unavailable(connect: Connect, path: str, words: str, hint: str) -> None:
    error = _error(connect(path))
    assert isinstance(error, Offline)
    assert re.search(f"cern is temporarily unavailable: .*{words}", error.message)
    assert error.hint == hint


def test_a_busy_front_is_asked_again_after_its_pause_and_one_that_asks_for_an_hour_is_not(
    connect: Connect, front: Front
) -> None:
    for path, times in (("/busy", 3), ("/maintained", 1)):
        before = _lines(front, f"{path}/auth/userpass")
        _error(connect(path))
        assert _lines(front, f"{path}/auth/userpass") - before == times


def test_a_login_page_is_not_followed(connect: Connect) -> None:
    catalogue = connect("/elsewhere")
    error = _error(catalogue)
    assert isinstance(error, RucioRefused)
    assert "redirects to https://sso.example.org, which nbrucio does not follow" in error.message
    with pytest.raises(RucioRefused, match=r"redirects to https://sso\.example\.org"):
        ping(catalogue.instance, Policy())


def test_a_host_that_redirects_to_https_is_to_be_corrected(connect: Connect, front: Front) -> None:
    error = _error(connect(url=front.plain))
    assert isinstance(error, BadConfig)
    assert error.hint == f"Set its host, and auth_host if there is one, to {front.url}/rucio."


def test_a_token_or_name_above_the_limits_is_said_to_be_too_long(connect: Connect, front: Front) -> None:
    assert connect(url=front.narrow).describe(DIMUON).files == 4
    long_token = _error(connect(url=front.narrow, auth_type="oidc", token_env="LONG"))
    assert isinstance(long_token, RucioRefused)
    with pytest.raises(RucioRefused) as long_name:
        connect().describe(Did("sandbox", "x" * 9000))
    assert long_token.message.startswith("The server in front of cern refused a request")
    assert long_token.hint is not None
    assert "token" in long_token.hint
    assert long_name.value.message.startswith("The server in front of cern refused a request as too long: ")
    assert long_name.value.hint == "Ask its operators to raise their limit, or use a shorter token or name."


def test_a_certificate_logs_in_and_a_bad_one_is_named(connect: Connect, users: UserAuthority, tmp_path: Path) -> None:
    certificate, key = users.certificate()
    catalogue = connect(auth_type="x509", client_cert=certificate, client_key=key)
    assert catalogue.whoami()[0] == "sandbox"
    old, old_key = users.certificate("old", ends=ENDED)
    early, early_key = users.certificate("early", begins=BEGINS)
    (tmp_path / "others").mkdir()
    strange, strange_key = UserAuthority(tmp_path / "others").certificate()
    for files, words in (
        ((old, old_key), f"the certificate {old} expired"),
        ((early, early_key), f"the certificate {early} is not valid before"),
        ((strange, strange_key), "the server does not accept the certificate"),
    ):
        error = _error(connect(auth_type="x509", client_cert=files[0], client_key=files[1]))
        assert isinstance(error, CredentialsRejected)
        assert words in error.message
    without = _error(connect(auth_type="x509"))
    assert isinstance(without, NbrucioError)


def test_proxies_pass_where_tls_does(connect: Connect, front: Front, users: UserAuthority) -> None:
    """Neither program verifies proxies of RFC 3820; sites let haproxy pass TLS on to a web server that does."""
    error = _error(connect(auth_type="x509_proxy", client_proxy=users.proxy()))
    assert isinstance(error, CredentialsRejected)
    assert "the server does not accept the certificate" in error.message
    assert error.hint is not None
    assert DN in error.hint
    if front.kind == "haproxy":
        through = connect("", url=front.through, auth_type="x509_proxy", client_proxy=users.proxy())
        assert through.whoami()[0] == "sandbox"
        old = users.proxy("old", ends=ENDED)
        ended = _error(connect("", url=front.through, auth_type="x509_proxy", client_proxy=old))
        assert f"the proxy {old} expired" in ended.message


def test_storage_that_offers_http_2_is_read_by_1_1(
    front: Front, connect: Connect, many: list[Did], tmp_path: Path
) -> None:
    found = dict(connect().replicas(many[:50]))
    entries = {entry.did: entry for entry in connect().files(Did("sandbox", "fronts"))}
    tasks = []
    for did, (replica,) in found.items():
        path = replica.pfn.partition("//")[2].partition("/")[2]
        tasks.append(Task("cern", entries[did], (Replica("R", f"{front.url}/storage/{path}"),)))
    outcomes = fetch(tasks, Store(tmp_path / "store"), {"cern": StorageAccess(ca=front.ca)}, SilentReporter())
    assert [outcome.error for outcome in outcomes] == [None] * 50
    read = [line for line in front.log.read_text().splitlines() if "GET /storage/" in line]
    assert len(read) == 50
    assert all("HTTP/1.1" in line for line in read)


def test_a_front_that_loses_its_storage_names_it(front: Front, connect: Connect, tmp_path: Path) -> None:
    entry = next(iter(connect().files(DIMUON)))
    limits = replace(TransferLimits(), attempts=1)
    for path, words in (("/down/x", "HTTP 50"), ("/silent/x", "HTTP 504"), ("/maintained/x", "HTTP 503")):
        tasks = [Task("cern", entry, (Replica("R", f"{front.url}{path}"),))]
        access = {"cern": StorageAccess(ca=front.ca)}
        (outcome,) = fetch(tasks, Store(tmp_path / path[1:]), access, SilentReporter(), limits=limits)
        assert outcome.error is not None
        assert words in str(outcome.error)


def _lines(front: Front, text: str) -> int:
    return front.log.read_text().count(text)
