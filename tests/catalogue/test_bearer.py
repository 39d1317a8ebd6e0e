"""Bearer tokens: where they are found, and to which instance each belongs."""

from __future__ import annotations

import os
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from nbrucio.catalogue import bearer
from nbrucio.catalogue.bearer import ANY_AUDIENCE, TokenPlace, ambient, claims, discovered
from nbrucio.catalogue.credentials import storage_credentials
from nbrucio.catalogue.login_tokens import LoginTokens
from nbrucio.config import Config, Credentials, Instance
from tests.catalogue.jwts import jwt

ISSUER = "https://iam.example/"


def _instance(name: str, audience: str = "", issuer: str = "", **changes: object) -> Instance:
    oidc = {key: value for key, value in (("audience", audience), ("issuer", issuer)) if value}
    url = f"https://{name}.example"
    return Instance(name, f"{name}.example", url, url, "oidc", credentials=Credentials(oidc=oidc))._replace(**changes)  # type: ignore[arg-type]


DEFAULT, PLAIN = _instance("default"), _instance("plain", auth_type="userpass")
ATLAS, CMS = _instance("atlas", "rucio-atlas", ISSUER), _instance("cms", "rucio-cms rucio-cms-test", ISSUER)
OTHER = _instance("other", "rucio-other", "https://other-iam.example")
ALL = (DEFAULT, PLAIN, ATLAS, CMS, OTHER)


@pytest.fixture(autouse=True)
def _no_files_in_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "own_file", lambda _path: None)


def _config(default: Instance | None = DEFAULT, instances: tuple[Instance, ...] = ALL) -> Config:
    return Config(instances, default, Path("unused"))


def _served(config: Config, token: str) -> dict[str, set[str]]:
    """The instances whose storage, and whose Rucio, sees the token."""
    environ = {"BEARER_TOKEN": token, "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
    return {
        "storage": {one.name for one in config.instances if storage_credentials(one, environ, config).token},
        "rucio": {one.name for one in config.instances if LoginTokens(one, environ, config).current()},
    }


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_tokens_are_discovered_in_wlcgs_order(tmp_path: Path) -> None:
    named, runtime = tmp_path / "named", tmp_path / "run"
    runtime.mkdir()
    named.write_text(" from-named \n")
    (runtime / f"bt_u{os.geteuid()}").write_text("from-runtime\n")
    environ = {"BEARER_TOKEN": "from-variable\n", "BEARER_TOKEN_FILE": str(named), "XDG_RUNTIME_DIR": str(runtime)}
    found = []
    for name in ("BEARER_TOKEN", "BEARER_TOKEN_FILE", "XDG_RUNTIME_DIR"):
        place = discovered(environ)
        assert place is not None
        found.append(place.token(environ))
        del environ[name]
    assert found == ["from-variable", "from-named", "from-runtime"]
    assert discovered(environ) is None


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"\xff", b"\x00"])
def test_what_is_no_token_is_not_sent(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert TokenPlace(file=file).token({}) is None
    assert ambient(DEFAULT, {"BEARER_TOKEN_FILE": str(file)}, None) is None


def test_a_file_that_cannot_be_read_holds_no_token(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert [TokenPlace(file=tmp_path / name).token({}) for name in ("gone", ".", "pipe")] == [None] * 3


def test_files_of_others_in_tmp_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    file, link = tmp_path / "bt", tmp_path / "link"
    file.touch()
    link.symlink_to(file)
    assert [bearer.own_file(path) for path in (file, link, tmp_path / "gone")] == [file, None, None]
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    assert bearer.own_file(file) is None


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b.c",
        "..",
        "a.!!!.c",
        f"a.{urlsafe_b64encode(b'[1]').decode()}.c",
        f"a.{urlsafe_b64encode(b'[' * 20_000).decode()}.c",
        f"a.{urlsafe_b64encode(bytes([255, 254])).decode()}.c",
        jwt(exp=None),
        jwt(aud=7, iss=[], exp="soon"),
        jwt(exp=10**400),
        jwt(exp=-1),
        jwt(aud=[1, None, {}], iss=None, exp=True),
    ],
)
def test_a_token_that_says_nothing_readable_says_nothing(token: str) -> None:
    assert claims(token) == bearer.Claims()


@pytest.mark.parametrize(("end", "usable"), [(-1, False), (0, False), (5, False), (60, True), (float("inf"), True)])
def test_a_token_that_has_expired_is_not_sent(end: float, usable: bool) -> None:
    token = jwt(exp=time.time() + end)
    assert (TokenPlace(env="T").token({"T": token}) == token) is usable


@pytest.mark.parametrize(
    ("token", "storage", "rucio"),
    [
        ("opaque", "default", "default"),
        (jwt(), "default", "default"),
        (jwt(aud="rucio-atlas"), "atlas", "atlas"),
        (jwt(aud=["x", "rucio-cms-test"]), "cms", "cms"),
        (jwt(aud="rucio-atlas", iss="https://other-iam.example"), "atlas", "atlas"),
        (jwt(iss="https://other-iam.example/"), "other", "other"),
        (jwt(aud="https://storage.example", iss="https://other-iam.example"), "other", None),
        (jwt(aud=ANY_AUDIENCE, iss="https://other-iam.example"), "other", "other"),
        (jwt(aud=ANY_AUDIENCE), "default", "default"),
        (jwt(aud="nobody", iss="https://nobody.example"), "default", "default"),
        (jwt(aud=["rucio-atlas", "rucio-cms"]), None, None),  # for two of them, and neither is the default
        (jwt(iss=ISSUER), None, None),
        (jwt(aud="rucio-atlas", exp=time.time() - 1), None, None),
    ],
    ids=lambda value: "jwt" if str(value).count(".") == 2 else None,  # a token says when it was made
)
def test_a_discovered_token_serves_one_instance(token: str, storage: str | None, rucio: str | None) -> None:
    served = _served(_config(), token)
    assert served == {"storage": {storage} - {None}, "rucio": {rucio} - {None}}


def test_of_several_that_are_meant_the_default_one_is_served() -> None:
    assert _served(_config(default=ATLAS), jwt(iss=ISSUER)) == {"storage": {"atlas"}, "rucio": {"atlas"}}


def test_of_several_logins_to_one_server_the_first_is_served() -> None:
    config = _config(instances=(DEFAULT, CMS, CMS._replace(name="cms-production")))
    assert _served(config, jwt(aud="rucio-cms")) == {"storage": {"cms"}, "rucio": {"cms"}}


def test_without_a_default_a_token_that_names_nobody_serves_nobody() -> None:
    assert _served(_config(default=None), "opaque") == {"storage": set(), "rucio": set()}


def test_a_default_with_another_audience_shows_the_token_to_its_storage_only() -> None:
    served = _served(_config(default=ATLAS), jwt(aud="https://storage.example"))
    assert served == {"storage": {"atlas"}, "rucio": set()}


def test_a_default_with_another_login_shows_the_token_to_its_storage_only() -> None:
    assert _served(_config(default=PLAIN), "opaque") == {"storage": {"plain"}, "rucio": set()}


def test_an_audience_of_the_whole_grid_names_no_instance() -> None:
    anything = _instance("anything", f"rucio {ANY_AUDIENCE}")
    config = _config(instances=(*ALL, anything))
    assert _served(config, jwt(aud=ANY_AUDIENCE))["storage"] == {"default"}
    assert _served(config, jwt(aud=["rucio", ANY_AUDIENCE]))["storage"] == {"anything"}


def test_configured_tokens_go_to_their_own_instance_only(tmp_path: Path) -> None:
    (tmp_path / "rucio").write_text("rucio-file")
    (tmp_path / "storage").write_text("storage-file")
    login = ATLAS.credentials._replace(token_file=tmp_path / "rucio", token_env="AT_RUCIO")
    atlas = ATLAS._replace(credentials=login, storage_token_file=tmp_path / "storage", storage_token_env="AT_STORAGE")
    config = _config(instances=(DEFAULT, atlas, CMS))
    environ = {**os.environ, "BEARER_TOKEN": "discovered", "AT_RUCIO": "rucio-env", "AT_STORAGE": jwt(exp=1)}
    found = {
        one.name: (LoginTokens(one, environ, config).current(), storage_credentials(one, environ, config).token)
        for one in config.instances
    }
    assert found == {
        "default": ("discovered", "discovered"),
        "atlas": ("rucio-env", "storage-file"),  # the one of AT_STORAGE has expired
        "cms": (None, None),
    }


def test_a_token_is_sent_to_no_rucio_over_http() -> None:
    for change in ({"host": "http://default.example"}, {"auth_host": "http://default.example"}):
        one = DEFAULT._replace(**change)  # type: ignore[arg-type]
        environ = {**os.environ, "BEARER_TOKEN": "opaque", "T": "configured"}
        for plain in (one, one._replace(credentials=Credentials(token_env="T"))):
            tokens = LoginTokens(plain, environ, _config(instances=(plain,)))
            assert tokens.current() is None
            error = tokens.none_left()
            assert "https only" in error.message
            assert (error.hint, error.next_command) == ("Correct host and auth_host of the instance.", None)


def test_tokens_do_not_show_where_values_are_printed() -> None:
    environ = {"BEARER_TOKEN": "very-secret"}
    assert "very-secret" not in repr(storage_credentials(DEFAULT, environ))
    assert "very-secret" not in LoginTokens(ATLAS, {**environ, **os.environ}, _config()).none_left().message
