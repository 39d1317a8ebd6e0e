"""Finds the reason of a failed TLS connection in the text of OpenSSL, which urllib3, requests and libcurl all
report.
"""

from __future__ import annotations

import enum
import re


class TlsFault(enum.Enum):
    """The reason; the value is a regular expression for the texts of OpenSSL, urllib3 and libcurl."""

    EXPIRED = "certificate has expired"
    NOT_YET_VALID = "certificate is not yet valid"
    WRONG_HOST = (
        "hostname mismatch|ip address mismatch|doesn't match|does not match"
        "|no alternative certificate subject name|no appropriate "
    )
    UNKNOWN_CA = "unable to get (local )?issuer certificate|self[- ]signed certificate"
    CLIENT_REFUSED = (
        "alert[ _](certificate|bad[ _]certificate|unknown[ _]ca|unsupported[ _]certificate|access[ _]denied|no[ _]cert"
        "|decrypt[ _]error)"  # signed by another CA of the same name
    )
    NOT_TLS = "wrong[ _]version[ _]number|unknown[ _]protocol|record[ _]layer[ _]failure|packet[ _]length"
    BROKEN_OFF = "eof occurred|unexpected eof|connection reset"
    OTHER = ""


def tls_fault(error: BaseException | str) -> TlsFault:
    """Return the reason in ``error`` or its text."""
    # The text may begin with the URL, which may contain anything.
    text = str(error).rpartition("Caused by")[2].lower()
    return next(fault for fault in TlsFault if re.search(fault.value, text))
