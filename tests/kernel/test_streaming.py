"""The options for streamed files, sent to another process."""

from __future__ import annotations

import pickle
import ssl
from pathlib import Path

import pytest

from nbrucio.kernel.streaming import storage_options


def test_options_are_sent_without_the_token_and_made_of_the_workers_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    for place, put in (
        ({"variable": "HERE"}, lambda text: monkeypatch.setenv("HERE", text)),
        ({"file": str(file)}, file.write_text),
    ):
        put("driver")
        sent = pickle.dumps(storage_options(None, place))
        assert b"driver" not in sent
        put("worker")
        assert pickle.loads(sent)["headers"] == {"Authorization": "Bearer worker"}


def test_a_worker_trusts_the_same_cas(tmp_path: Path) -> None:
    import trustme

    ca = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca))
    options = storage_options(str(ca))
    found = pickle.loads(pickle.dumps(options))
    assert "headers" not in found
    assert isinstance(found["ssl"], ssl.SSLContext)
    assert found["ssl"].get_ca_certs() == options["ssl"].get_ca_certs()
    assert (found["ssl"].verify_mode, found["ssl"].check_hostname) == (ssl.CERT_REQUIRED, True)
    ca.unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickle.dumps(options))
