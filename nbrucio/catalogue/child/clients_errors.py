"""Translates errors of rucio-clients and its libraries into nbrucio's errors. Runs in the child."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from contextlib import contextmanager

from nbrucio.catalogue import errors, network_errors
from nbrucio.catalogue.errors import BY_NAME, named, rejected, tidy
from nbrucio.catalogue.network_errors import misconfigured, not_rucio
from nbrucio.config import Instance
from nbrucio.disk.libraries import missing_library
from nbrucio.errors import BadConfig, NbrucioError, RucioRefused

#: What other libraries raise. No token in the headers is a LookupError, a prompt for a code an EOFError.
_KNOWN = (OSError, ImportError, EOFError, StopIteration, configparser.Error, LookupError)


def require_clients() -> None:
    """Check that rucio-clients is installed.

    Raises:
        MissingDependency: it is not.
    """
    try:
        import requests  # noqa: F401
        import rucio.common.exception  # noqa: F401
    except ImportError as error:
        words = "Uploads and logins by Kerberos need rucio-clients, which is not installed."
        raise missing_library("rucio-clients", words) from error


@contextmanager
def client_errors(instance: Instance, subject: str | None = None) -> Iterator[None]:
    """Raise nothing but `NbrucioError` from the block, in which rucio-clients asks ``instance`` about ``subject``."""
    from requests.exceptions import RequestException
    from rucio.common.exception import RucioException

    try:
        yield
    except NbrucioError:
        raise
    except (RucioException, RequestException, *_KNOWN, ValueError) as error:
        raise error_for(error, instance, subject) from error


@contextmanager
def login_errors(instance: Instance) -> Iterator[None]:
    """Raise nothing but `NbrucioError` from a login: paramiko and the Kerberos libraries raise what they like."""
    from requests.exceptions import RequestException
    from rucio.common.exception import RucioException

    with client_errors(instance):
        try:
            yield
        except Exception as error:
            # The errors of requests-kerberos are also those of requests, although the server has answered.
            about_ticket = type(error).__module__.startswith("requests_kerberos")
            if isinstance(error, (NbrucioError, RucioException, RequestException, *_KNOWN)) and not about_ticket:
                raise
            raise rejected(instance, f"rucio-clients cannot use this login ({type(error).__name__})") from error


def error_for(error: BaseException, instance: Instance, subject: str | None = None) -> NbrucioError:
    """Return the nbrucio error for an error of rucio-clients or its libraries."""
    from requests import exceptions as http
    from rucio.common.exception import RucioException

    if isinstance(error, RucioException):
        names = [known.__name__ for known in type(error).__mro__]
        found = next((BY_NAME[name] for name in names if name in BY_NAME), RucioRefused)
        return named(found, words_of(error), instance, subject)
    if isinstance(error, (http.TooManyRedirects, http.JSONDecodeError, http.InvalidHeader)):
        return not_rucio(instance)
    if isinstance(error, http.RequestException):
        return unreachable(error, instance)
    if isinstance(error, EOFError):
        return rejected(instance, "the login needs a terminal")
    if isinstance(error, ImportError):
        library = (error.name or "rucio-clients").partition(".")[0]
        return missing_library(library, f"rucio-clients needs {library}, which is not installed.")
    if isinstance(error, configparser.Error):
        return named(BadConfig, f"rucio-clients cannot read its rucio.cfg ({type(error).__name__})", instance, subject)
    if isinstance(error, OSError) and error.errno is None:  # requests: a CA or certificate file is missing
        return misconfigured(instance, tidy(str(error)))
    return errors.error_for(error, instance, subject)


def unreachable(error: BaseException, instance: Instance) -> NbrucioError:
    """Return the error for a server that does not answer completely."""
    from requests import exceptions as http

    if isinstance(error, http.SSLError):
        return network_errors.tls_error(error, instance)
    if isinstance(error, (http.InvalidURL, http.MissingSchema, http.InvalidSchema)):
        return misconfigured(instance, f"its host {instance.host} is not a valid URL")
    if isinstance(error, http.ConnectTimeout):
        return network_errors.unconnected(instance, network_errors.LATE)
    if isinstance(error, http.Timeout) or "timed out" in str(error):
        return network_errors.out_of_reach(instance, network_errors.SILENT)
    if isinstance(error, http.ConnectionError):
        return network_errors.unconnected(instance, network_errors.UNCONNECTED)
    return network_errors.out_of_reach(instance, network_errors.BROKEN_OFF)


def words_of(error: BaseException) -> str:
    """Return the message of one of Rucio's exceptions, in one line without its frame."""
    text = str(error).partition("Details:")[2] or str(error)
    return tidy(text)
