"""WebDAV server of the sandbox's HTTPS storage: WsgiDAV over one folder per RSE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nbrucio.sandbox.chaos import faulty_storage
from nbrucio.sandbox.layout import SandboxLayout
from nbrucio.sandbox.rses import BY_HTTPS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})


def make_application(layout: SandboxLayout) -> WSGIApplication:
    """Return an application that this machine may read; writing needs a certificate of the sandbox's CA."""
    from wsgidav.fs_dav_provider import FilesystemProvider
    from wsgidav.wsgidav_app import WsgiDAVApp

    folders = {rse.prefix.rstrip("/"): layout.rse_folder(rse.name) for rse in BY_HTTPS}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    webdav = WsgiDAVApp(
        {
            "provider_mapping": {prefix: FilesystemProvider(str(folder)) for prefix, folder in folders.items()},
            "simple_dc": {"user_mapping": {"*": True}},
            # Locks and properties are in one worker's memory, and Rucio needs neither.
            "lock_storage": False,
            "property_manager": False,
            "block_size": 1 << 18,
            "verbose": 1,
            "logging": {"enable": False},
        }
    )
    return faulty_storage(_writable_with_certificate(_with_folders(webdav, folders)), layout.chaos)


def _with_folders(application: WSGIApplication, folders: Mapping[str, Path]) -> WSGIApplication:
    """Create the parent folders of an uploaded file, as Grid storages do; Rucio's client relies on it."""

    def prepared(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "PUT":
            parts = PurePosixPath(environ["PATH_INFO"]).parts
            folder = folders.get("".join(parts[:2]))
            if folder is not None and ".." not in parts:
                folder.joinpath(*parts[2:-1]).mkdir(parents=True, exist_ok=True)
        return application(environ, start_response)

    return prepared


def _writable_with_certificate(application: WSGIApplication) -> WSGIApplication:
    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in _READING or environ["gunicorn.socket"].getpeercert():
            return application(environ, start_response)
        body = b"Writing needs the client certificate of this sandbox.\n"
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    return guarded
