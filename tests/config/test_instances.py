"""Instances: how they are read, found and faulted."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.core.did import Did
from nbrucio.errors import BadConfig, UnknownInstance
from tests.config.conftest import Load
from tests.support.config_texts import ATLAS, BELLE, RUCIO_CFG


def test_an_instance_is_read_with_its_defaults(configured: Load) -> None:
    atlas = configured(ATLAS).instance("atlas")
    assert atlas.identity == "rucio.atlas.example"
    assert (atlas.host, atlas.auth_host) == ("https://rucio.atlas.example:443", "https://auth.atlas.example")
    assert (atlas.account, atlas.auth_type, atlas.vo) == ("jdoe", "x509_proxy", "def")
    belle = configured(BELLE).instance("belle")
    assert belle.auth_host == belle.host
    assert (belle.account, belle.ca_cert, belle.storage_ca) == (None, None, None)


def test_the_webui_links_dids_whatever_their_names_hold(configured: Load) -> None:
    belle = configured(BELLE).instance("belle")
    assert belle.webui_of(Did("s", "n")) is None
    linked = configured(BELLE + 'webui = "https://webui.example.org/rucio/"\n').instance("belle")
    assert linked.webui_of(Did("s", "/belle/a?b#c")) == (
        "https://webui.example.org/rucio/did/page/s/%2Fbelle%2Fa%3Fb%23c"
    )
    with pytest.raises(BadConfig, match="webui must be a URL"):
        configured(BELLE + 'webui = "javascript:alert(1)"\n').instance("belle")


@pytest.mark.parametrize(
    "name",
    [
        "atlas",
        "Atlas",
        "rucio.atlas.example",
        "RUCIO.atlas.Example",
        "rucio.atlas.example:443",
        "https://rucio.atlas.example:443/",
        "atlas-prod",
        " atlas ",
    ],
)
def test_every_name_of_an_instance_finds_it(configured: Load, name: str) -> None:
    assert configured(ATLAS + BELLE).instance(name).name == "atlas"


@pytest.mark.parametrize("name", ["rucio.atlas.example:8443", "https://rucio.atlas.example:8443", "atl", "", "auth"])
def test_other_names_find_none(configured: Load, name: str) -> None:
    config = configured(ATLAS + BELLE)
    with pytest.raises(UnknownInstance) as caught:
        config.instance(name)
    assert caught.value.hint is not None
    assert "Configured instances: atlas, belle." in caught.value.hint
    assert all(str(place) in caught.value.hint for place in config.places)


def test_a_short_name_goes_before_an_alias(configured: Load) -> None:
    text = ATLAS.replace('"ATLAS-Prod"', '"belle"') + BELLE
    assert configured(text).instance("belle").name == "belle"


def test_instances_of_operator_and_user_are_merged_key_by_key(configured: Load) -> None:
    config = configured('[instances.atlas]\naccount = "other"\n' + BELLE, system=ATLAS)
    assert [instance.name for instance in config.instances] == ["atlas", "belle"]
    assert config.instance("atlas").account == "other"
    assert config.instance("atlas").host == "https://rucio.atlas.example:443"


def test_two_servers_cannot_share_an_identity(configured: Load) -> None:
    other = BELLE.replace("instances.belle", "instances.twin").replace("rucio.belle", "rucio.other")
    config = configured(BELLE + other + 'identity = "rucio.belle.example"\n')
    assert config.instance("rucio.belle.example").name == "belle"
    with pytest.raises(BadConfig, match=r"instances\.twin\.identity .* is already used by the instance belle"):
        config.instance("twin")


GOOD = 'host = "https://r.example"\nauth_type = "gss"\n'


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('host = "rucio.example"', "instances.x.host must be a URL"),
        ('host = "ftp://rucio.example"', "instances.x.host must be a URL"),
        ('host = "https://rucio.example:99999"', "instances.x.host must be a URL"),
        ('host = "https://me:secret@rucio.example"', "instances.x.host must not contain a login"),
        ("host = 3", "instances.x.host must be a string"),
        ('account = "a"', "instances.x.host is missing"),
        ('host = "https://r.example"\nauth_type = "saml"', "instances.x.auth_type must be one of userpass"),
        ('host = "https://r.example"\nauth_type = ""', "instances.x.auth_type must not be empty"),
        ('host = "https://r.example"', "instances.x.auth_type is missing"),
        ('host = "https://r.example"\nauth_type = "gss"\naliases = "one"', "instances.x.aliases must be a list"),
        (
            'host = "https://r.example"\nauth_type = "gss"\nca_cert = "\\u0000"',
            "instances.x.ca_cert must not contain a NUL",
        ),
        (
            'host = "https://r.example"\nauth_type = "gss"\n[[instances.x.mounts]]\nrse = "R"',
            "instances.x.mounts[0].path is missing",
        ),
        (
            'host = "https://r.example"\nauth_type = "gss"\n'
            '[[instances.x.mounts]]\nrse = "R"\npath = "/r"\nbegins_at = -1',
            "instances.x.mounts[0].begins_at must be a whole number of at least 0",
        ),
        (
            'host = "https://r.example"\nauth_type = "gss"\n'
            '[[instances.x.mounts]]\nrse = "R"\npath = "/r"\nbegins_at = 1\nprefix = "file://r/"',
            "instances.x.mounts[0].prefix cannot be combined with begins_at",
        ),
        (f'{GOOD}account = "root\\u200b"', "instances.x.account contains U+200B, which HTTP cannot send"),
        (f'{GOOD}account = "日本"', "instances.x.account contains U+65E5, which HTTP cannot send"),
        (f'{GOOD}account = "a\\nb"', "instances.x.account contains U+000A, which HTTP cannot send"),
        (f'{GOOD}username = "a\\u00a0b"', "instances.x.username contains U+00A0, which HTTP cannot send"),
        ('rucio_cfg = "nowhere.cfg"', "nowhere.cfg cannot be read as a rucio.cfg: No such file"),
    ],
)
def test_a_fault_of_one_instance_is_told_when_it_is_asked_for(
    configured: Load, tmp_path: Path, line: str, fault: str
) -> None:
    config = configured(f"{BELLE}\n[instances.x]\n{line}\n")
    assert config.instance("belle").name == "belle"
    with pytest.raises(BadConfig) as caught:
        config.instance("x")
    assert fault in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_broken_instance_is_found_by_its_host_too(configured: Load) -> None:
    config = configured(BELLE + '[instances.x]\nhost = "https://r.example"\n')
    with pytest.raises(BadConfig, match="auth_type is missing"):
        config.instance("r.example")


def test_secrets_do_not_show(configured: Load) -> None:
    config = configured(cfg=RUCIO_CFG)
    assert config.default is not None
    assert config.default.credentials.password == "100%secret"
    assert "100%secret" not in repr(config)


def test_a_storage_ca_at_the_top_is_that_of_all_instances_without_their_own(configured: Load) -> None:
    config = configured('storage_ca = "cas"\n' + ATLAS + BELLE + 'storage_ca = "own.pem"\n')
    assert config.warnings == ()
    found = {name: config.instance(name).storage_ca for name in ("atlas", "belle")}
    assert {name: path and path.name for name, path in found.items()} == {"atlas": "cas", "belle": "own.pem"}
    with pytest.raises(BadConfig, match="storage_ca must be"):
        configured("storage_ca = 3\n" + ATLAS)


@pytest.mark.parametrize("vo", ["a b", "cms#1", "../x", "é"])
def test_a_vo_that_rucio_would_refuse_is_a_wrong_setting(configured: Load, vo: str) -> None:
    with pytest.raises(BadConfig, match=r"belle\.vo must be the name of a VO"):
        configured(BELLE + f'vo = "{vo}"\n').instance("belle")


def test_an_account_may_have_latin_letters(configured: Load) -> None:
    assert configured(f'[instances.x]\n{GOOD}account = "josé"\n').instance("x").account == "josé"


def test_the_account_of_the_environment_is_checked_too(configured: Load) -> None:
    cfg = "[client]\nrucio_host = https://r.example\nauth_host = https://r.example\nauth_type = gss\n"
    (fault,) = configured(cfg=cfg, RUCIO_ACCOUNT="root\u200b").faults
    assert fault.error.message.startswith("RUCIO_ACCOUNT: account in [client] contains U+200B")


def test_a_file_with_a_bom_is_read(configured: Load) -> None:
    assert configured("\ufeff" + BELLE).instance("belle").name == "belle"
