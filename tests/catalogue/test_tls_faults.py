"""Errors of servers, and of proxies of the environment, whose connections cannot be trusted or made."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from nbrucio.catalogue.rucio import RucioCatalogue
from nbrucio.config import Credentials
from nbrucio.errors import BadConfig, CredentialsRejected, NbrucioError, Offline
from tests.catalogue.conftest import Connect
from tests.support.certificates import BEGINS, DN, ENDED, UserAuthority, server_certificate
from tests.support.scripted_server import LOGIN, ScriptedServer, answer
from tests.support.snapshots import Snapshots
from tests.support.sync_questions import DIMUON, FACTS

Serve = Callable[..., ScriptedServer]

#: A proxy at which nothing listens.
DEAD = "127.0.0.1:9"

#: Answers to a certificate: of a front, and of Rucio.
NGINX = answer("<html>400 The SSL certificate error", status="400 Bad Request", kind="text/html")
UNKNOWN = answer(
    "",
    status="401 Unauthorized",
    ExceptionClass="CannotAuthenticate",
    ExceptionMessage="Cannot authenticate to account",
)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """The CA of the servers."""
    return trustme.CA()


@pytest.fixture
def ca_file(ca: trustme.CA, tmp_path: Path) -> Path:
    """Its certificate."""
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem"


@pytest.fixture
def serve(ca: trustme.CA) -> Iterator[Serve]:
    """Start servers over TLS with a certificate of a kind; perhaps they want the user's of another CA."""
    started: list[ScriptedServer] = []

    def start(
        host: str = "127.0.0.1",
        begins: datetime | None = None,
        ends: datetime | None = None,
        users: Path | None = None,
        answers: tuple[bytes, ...] = (LOGIN, answer(FACTS)),
    ) -> ScriptedServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_certificate(ca, host, begins, ends).configure_cert(context)
        if users is not None:
            context.verify_mode = ssl.CERT_OPTIONAL  # fronts demand one for the path of the login only
            context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
            context.load_verify_locations(users)
        started.append(ScriptedServer(list(answers), tls=context).__enter__())
        return started[-1]

    yield start
    for server in started:
        server.__exit__(None, None, None)


#: What the server shows, and what is said of it.
SERVERS = {
    "expired": ({"ends": ENDED}, "its TLS certificate has expired", "Check the clock"),
    "not valid yet": ({"begins": BEGINS, "ends": BEGINS.replace(year=2100)}, "is not valid yet", "Check the clock"),
    "for another host": ({"host": "other.example.org"}, "its TLS certificate is for another host", "host"),
}


def test_words_as_in_the_snapshots(
    snapshots: Snapshots, serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(server: ScriptedServer, **settings: object) -> str:
        catalogue = connect(**{"host": server.url, "auth_host": server.url, "ca_cert": ca_file, **settings})
        with pytest.raises(NbrucioError) as caught:
            catalogue.describe(DIMUON)
        lines = (f"  exit code {caught.value.exit_code}: {caught.value.message}", caught.value.hint)
        return "\n    ".join(filter(None, lines)).replace(server.url.partition("//")[2], "HOST:PORT")

    (tmp_path / "others").mkdir()
    users, strangers = UserAuthority(tmp_path), UserAuthority(tmp_path / "others")
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")
    found = {f"a server's certificate, {case}": at(serve(**shown)) for case, (shown, _, _) in SERVERS.items()}
    found["a server's certificate, of an unknown CA"] = at(serve(), ca_cert=tmp_path / "another.pem")
    guarded = serve(users=users.ca_file())
    found["a user's proxy, of an unknown CA"] = at(guarded, **by_proxy(guarded, ca_file, strangers.proxy()))
    found["a user's certificate, of an unknown CA"] = at(guarded, **by_certificate(guarded, ca_file, strangers))
    for title, refusal in (("refused by nginx", NGINX), ("unknown to Rucio", UNKNOWN)):
        server = serve(users=users.ca_file(), answers=(refusal,))
        found[f"a user's proxy, {title}"] = at(server, **by_proxy(server, ca_file, users.proxy()))
    monkeypatch.setenv("https_proxy", f"http://{DEAD}")
    found["a proxy of the environment that does not answer"] = at(serve())
    snapshots.check("login-connections.txt", found.items())


@pytest.mark.parametrize("case", SERVERS)
@pytest.mark.parametrize("has_token", [False, True])
def test_what_is_wrong_with_the_certificate_of_a_server_is_said(
    case: str, has_token: bool, serve: Serve, ca_file: Path, connect: Connect, logged_in: Connect
) -> None:
    shown, words, action = SERVERS[case]
    server = serve(**shown)
    opened = logged_in if has_token else connect
    with pytest.raises(Offline, match=words) as caught:
        opened(host=server.url, auth_host=server.url, ca_cert=ca_file).describe(DIMUON)
    assert action in str(caught.value.hint)
    assert server.requests == []


def test_an_unknown_ca_is_told_from_these(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    server = serve()
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")
    with pytest.raises(Offline, match="its TLS certificate is signed by an unknown CA") as caught:
        connect(host=server.url, auth_host=server.url, ca_cert=tmp_path / "another.pem").describe(DIMUON)
    assert "ca_cert" in str(caught.value.hint)


def test_a_port_without_tls_is_told(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = plain.accept()
                    with connection:
                        connection.sendall(answer("", status="400 Bad Request"))
                        connection.recv(65536)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        url = f"https://127.0.0.1:{plain.getsockname()[1]}"
        with pytest.raises(Offline, match="it does not speak TLS"):
            connect(host=url, auth_host=url).describe(DIMUON)
        plain.shutdown(socket.SHUT_RDWR)
        serving.join(10)


def by_proxy(server: ScriptedServer, ca_file: Path, proxy: Path) -> dict[str, object]:
    """Returns an instance at ``server`` with the login of ``proxy``."""
    login = {"auth_type": "x509_proxy", "credentials": Credentials(client_proxy=proxy), "account": "jdoe"}
    return {"host": server.url, "auth_host": server.url, "ca_cert": ca_file, **login}


def by_certificate(server: ScriptedServer, ca_file: Path, users: UserAuthority) -> dict[str, object]:
    """Returns the same with the login of a certificate of ``users``."""
    certificate, key = users.certificate()
    login = {"auth_type": "x509", "credentials": Credentials(client_cert=certificate, client_key=key)}
    return {**by_proxy(server, ca_file, certificate), **login}


def test_a_good_proxy_opens_a_server_that_wants_one(
    serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path
) -> None:
    users = UserAuthority(tmp_path)
    server = serve(users=users.ca_file())
    assert connect(**by_proxy(server, ca_file, users.proxy())).describe(DIMUON).open


def test_a_proxy_of_a_ca_that_the_server_does_not_know_is_refused_as_a_login(
    serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    server = serve(users=UserAuthority(tmp_path).ca_file())
    stranger = UserAuthority(tmp_path / "others").proxy()
    refused(connect(**by_proxy(server, ca_file, stranger)), "the server does not accept the certificate", PROXIES)


def test_a_front_that_answers_400_to_a_certificate_refuses_the_login(
    serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path
) -> None:
    """As nginx does."""
    users = UserAuthority(tmp_path)
    server = serve(users=users.ca_file(), answers=(NGINX,))
    refused(connect(**by_proxy(server, ca_file, users.proxy())), "the server does not accept the certificate", PROXIES)


def test_a_certificate_of_a_ca_that_the_server_does_not_know_is_refused_as_a_login(
    serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "others").mkdir()
    server = serve(users=UserAuthority(tmp_path).ca_file())
    catalogue = connect(**by_certificate(server, ca_file, UserAuthority(tmp_path / "others")))
    refused(catalogue, "the server does not accept the certificate", "whether its front accepts this CA, and ")


def test_an_identity_that_the_server_does_not_know_is_named(
    serve: Serve, ca_file: Path, connect: Connect, tmp_path: Path
) -> None:
    users = UserAuthority(tmp_path)
    server = serve(users=users.ca_file(), answers=(UNKNOWN,))
    refused(connect(**by_proxy(server, ca_file, users.proxy())), "Cannot authenticate to account")


PROXIES = "whether its front accepts proxies and this CA, and "


def refused(catalogue: RucioCatalogue, words: str, front: str = "") -> None:
    """Make sure that the login fails with these words, and that the hint names both causes, or the DN alone."""
    with pytest.raises(CredentialsRejected, match=words) as caught:
        catalogue.describe(DIMUON)
    to_register = f"Ask the operators of this Rucio server {front}to register this DN for account jdoe: '{DN}'."
    assert str(caught.value.hint).startswith(to_register)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("has_token", [False, True])
def test_a_dead_proxy_of_the_environment_is_named(
    variable: str, has_token: bool, serve: Serve, ca_file: Path, connect: Connect, logged_in: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server = serve()
    opened = logged_in if has_token else connect
    catalogue = opened(host=server.url, auth_host=server.url, ca_cert=ca_file)
    monkeypatch.setenv(variable, f"http://me:secret@{DEAD}")
    with pytest.raises(NbrucioError, match=rf"through the proxy http://{DEAD} \({variable}\)") as caught:
        catalogue.describe(DIMUON)
    assert caught.value.exit_code == 8
    assert variable in str(caught.value.hint)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("proxy", "shown", "fault"),
    [
        ("socks5://127.0.0.1:1", "socks5://127.0.0.1:1", "is of the kind socks5, which nbrucio cannot use"),
        ("://", "://", "is not a URL such as http://proxy.example.org:3128"),
        ("127.0.0.1:99999", "http://127.0.0.1:99999", "is not a URL"),
        ("http://me:secret@127.0.0.1:abc", "http://127.0.0.1:abc", "is not a URL"),
        (" http://127.0.0.1:1", " http://127.0.0.1:1", "is not a URL"),
        ("http://127.0.0.1:1\n", "http://127.0.0.1:1", "is not a URL"),
        ("http://[::1", "http://[::1", "is not a URL"),
        ("http://", "http://", "is not a URL"),
    ],
)
def test_a_proxy_variable_that_cannot_be_used_is_named(
    scheme: str, proxy: str, shown: str, fault: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scheme}://rucio.invalid"
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy)
    with pytest.raises(BadConfig) as caught:
        connect(host=url, auth_host=url).describe(DIMUON)
    named = f"the proxy {shown} ({scheme.upper()}_PROXY) {fault}"
    assert caught.value.message.startswith(f"sandbox cannot be asked: {named}")
    assert f"Correct or unset {scheme.upper()}_PROXY" in str(caught.value.hint)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_asks_for_a_login_is_named(
    scheme: str, connect: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{scheme}://rucio.invalid"
    scripted.answers = [answer("", "407 Proxy Authentication Required", Proxy_Authenticate="Basic realm=x")]
    monkeypatch.setenv(f"{scheme}_proxy", scripted.url)
    words = rf"the proxy {scripted.url} \({scheme}_proxy\) asks for a login, or refuses the one in its URL\.$"
    with pytest.raises(BadConfig, match=words):
        connect(host=url, auth_host=url).describe(DIMUON)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("{", kind="application/json", Content_Length="100"), "its answer broke off through the proxy {}"),
        (answer("<html>", kind="text/html"), "The proxy {} or a login page may have answered instead"),
    ],
)
def test_a_proxy_that_answers_for_the_server_is_named(
    reply: bytes, words: str, logged_in: Connect, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.answers = [reply]
    monkeypatch.setenv("http_proxy", scripted.url)
    url = "http://rucio.invalid"
    with pytest.raises(NbrucioError) as caught:
        logged_in(host=url, auth_host=url).describe(DIMUON)
    assert words.format(f"{scripted.url} (http_proxy)") in f"{caught.value} {caught.value.hint}"
