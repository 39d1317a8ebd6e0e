"""Every error that rucio-clients and its libraries raise in a child becomes one of nbrucio's."""

from __future__ import annotations

import configparser
import inspect

import pytest
import requests
from rucio.common import exception as rucio_exceptions

from nbrucio.catalogue.child.clients_errors import client_errors, error_for, login_errors
from nbrucio.catalogue.errors import BY_NAME, ServerRefusal
from nbrucio.catalogue.errors import error_for as error_of_answer
from nbrucio.config import Instance
from nbrucio.errors import (
    BadConfig,
    CredentialsRejected,
    DidNotFound,
    MissingDependency,
    NbrucioError,
    Offline,
    RucioRefused,
)

HERE = Instance("here", "here.example", "http://here.example", "http://here.example", "userpass")
RUCIOS = [
    kind
    for _, kind in inspect.getmembers(rucio_exceptions, inspect.isclass)
    if issubclass(kind, rucio_exceptions.RucioException)
]


def made(kind: type[Exception]) -> Exception:
    """An exception of Rucio, whatever its arguments."""
    parameters = list(inspect.signature(kind).parameters.values())
    return kind(*["words" for p in parameters if p.default is p.empty and p.name not in ("self", "kwargs")])


@pytest.mark.parametrize("kind", RUCIOS, ids=lambda kind: kind.__name__)
def test_every_exception_of_rucio_becomes_ours(kind: type[Exception]) -> None:
    error = made(kind)
    with pytest.raises(NbrucioError) as caught, client_errors(HERE, "s:n"):
        raise error
    assert caught.value.code != "internal"
    assert str(caught.value).isprintable()
    assert isinstance(caught.value.__cause__, kind)


def test_every_name_of_an_error_is_one_of_rucios() -> None:
    assert len(RUCIOS) > 100
    assert set(BY_NAME) <= {kind.__name__ for kind in RUCIOS}


@pytest.mark.parametrize("kind", [kind for kind in RUCIOS if kind.__name__ in BY_NAME], ids=lambda kind: kind.__name__)
def test_a_name_in_an_answer_means_what_the_exception_means(kind: type[Exception]) -> None:
    named = error_of_answer(ServerRefusal(kind.__name__, "words", 500), HERE, "s:n")
    assert type(named) is type(error_for(made(kind), HERE, "s:n"))


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (requests.ConnectionError("refused"), Offline),
        (requests.ConnectTimeout("slow"), Offline),
        (requests.ReadTimeout("slow"), Offline),
        (requests.exceptions.SSLError("bad certificate"), Offline),
        (requests.exceptions.ChunkedEncodingError("cut"), Offline),
        (requests.TooManyRedirects("away"), RucioRefused),
        (requests.exceptions.InvalidURL("no host"), BadConfig),
        (OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /x"), BadConfig),
        (ConnectionResetError(104, "Connection reset by peer"), Offline),
        (ModuleNotFoundError("No module named 'dogpile'"), MissingDependency),
        (EOFError(), CredentialsRejected),
        (KeyError("x-rucio-auth-token"), RucioRefused),
        (StopIteration(), RucioRefused),
        (configparser.NoSectionError("client"), BadConfig),
        (rucio_exceptions.MissingModuleException("no kerberos"), MissingDependency),
        (rucio_exceptions.DataIdentifierNotFound("gone"), DidNotFound),
    ],
)
def test_errors_of_its_libraries_become_ours(error: Exception, ours: type[NbrucioError]) -> None:
    for translated in (client_errors(HERE, "s:n"), login_errors(HERE)):
        with pytest.raises(NbrucioError) as caught, translated:
            raise error
        assert type(caught.value) is ours


@pytest.mark.parametrize(("auth_type", "extra"), [("ssh", "rucio-clients[ssh]"), ("gss", "rucio-clients[kerberos]")])
def test_a_missing_library_of_a_login_is_named(auth_type: str, extra: str) -> None:
    error = error_for(rucio_exceptions.MissingModuleException("x"), HERE._replace(auth_type=auth_type))
    assert isinstance(error, MissingDependency)
    assert error.subject == extra


def test_any_error_of_a_login_is_one_of_this_login() -> None:
    class OfSomeLibrary(Exception):
        pass

    words = r"rucio-clients cannot use this login \(OfSomeLibrary\)"
    with pytest.raises(CredentialsRejected, match=words), login_errors(HERE):
        raise OfSomeLibrary


def test_a_ticket_that_has_ended_is_a_login_that_has_ended() -> None:
    class KerberosExchangeError(requests.RequestException):
        """That of requests-kerberos, a library that is not installed here."""

        __module__ = "requests_kerberos.exceptions"

    with pytest.raises(CredentialsRejected, match="KerberosExchangeError"), login_errors(HERE):
        raise KerberosExchangeError("authGSSClientStep failed")
