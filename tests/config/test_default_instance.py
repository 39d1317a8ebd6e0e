"""Which instance is the default one, and what an existing rucio.cfg gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbrucio.errors import BadConfig, UnknownInstance
from tests.config.conftest import Load
from tests.support.config_texts import ATLAS, BELLE, RUCIO_CFG


def test_nothing_configured_says_how_to_begin(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="No Rucio instance is configured on this machine") as caught:
        configured().instance()
    assert "config.toml" in str(caught.value.hint)
    assert "rucio.cfg" in str(caught.value.hint)


def test_the_only_instance_is_the_default(configured: Load) -> None:
    assert configured(ATLAS).instance().name == "atlas"


def test_of_several_instances_one_must_be_chosen(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="The default Rucio instance is not set") as caught:
        configured(ATLAS + BELLE).instance()
    assert "to one of: atlas, belle." in str(caught.value.hint)
    assert configured('default_instance = "belle"\n' + ATLAS + BELLE).instance().name == "belle"


def test_the_environment_chooses_before_the_user_and_the_user_before_the_operator(configured: Load) -> None:
    user, system = 'default_instance = "belle"\n' + ATLAS + BELLE, 'default_instance = "atlas"\n'
    assert configured(user, system=system).instance().name == "belle"
    assert configured(user, system=system, NBRUCIO_INSTANCE="rucio.atlas.example").instance().name == "atlas"


def test_a_default_that_is_not_configured_is_named(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="'lhcb'"):
        configured(ATLAS, NBRUCIO_INSTANCE="lhcb").instance()


def test_a_rucio_cfg_is_the_default_instance(configured: Load) -> None:
    cms = configured(ATLAS, cfg=RUCIO_CFG).instance()
    assert (cms.name, cms.identity) == ("rucio.cms.example", "rucio.cms.example")
    assert (cms.host, cms.auth_host) == ("https://rucio.cms.example", "https://auth.cms.example:443")
    assert (cms.account, cms.credentials.username, cms.ca_cert) == ("cmsuser", "name", Path("/etc/cms-ca.pem"))


def test_a_chosen_default_goes_before_rucio_cfg_which_stays_reachable(configured: Load) -> None:
    config = configured('default_instance = "atlas"\n' + ATLAS, cfg=RUCIO_CFG)
    assert config.instance().name == "atlas"
    assert config.instance("rucio.cms.example").account == "cmsuser"


def test_a_configured_instance_and_the_rucio_cfg_of_the_same_host_are_one(configured: Load) -> None:
    text = '[instances.cms]\nhost = "https://rucio.cms.example/"\nauth_type = "gss"\n'
    config = configured(text + BELLE, cfg=RUCIO_CFG)
    assert [instance.name for instance in config.instances] == ["cms", "belle"]
    assert config.instance().name == "cms"


def test_variables_of_rucio_are_for_the_instance_of_rucio_cfg_alone(configured: Load) -> None:
    variables = {
        "RUCIO_ACCOUNT": "envuser",
        "RUCIO_AUTH_TYPE": "x509_proxy",
        "RUCIO_VO": "abc",
        "X509_CERT_DIR": "/certs",
        "RUCIO_CLIENT_PROXY": "/proxy",
    }
    config = configured(ATLAS, cfg=RUCIO_CFG, **variables)
    cms, atlas = config.instance("rucio.cms.example"), config.instance("atlas")
    assert (cms.account, cms.auth_type, cms.vo, cms.ca_cert) == ("envuser", "x509_proxy", "abc", Path("/certs"))
    assert cms.credentials.client_proxy == Path("/proxy")
    assert (atlas.account, atlas.vo, atlas.ca_cert, atlas.credentials.client_proxy) == ("jdoe", "def", None, None)


def test_an_instance_takes_from_its_rucio_cfg_what_it_leaves_out(configured: Load, tmp_path: Path) -> None:
    other = tmp_path / "home" / "config" / "nbrucio" / "other.cfg"
    other.parent.mkdir(parents=True)
    other.touch(mode=0o600)
    other.write_text(RUCIO_CFG)
    config = configured('[instances.cms]\nrucio_cfg = "other.cfg"\naccount = "mine"\n', RUCIO_ACCOUNT="envuser")
    cms = config.instance("cms")
    assert (cms.host, cms.account, cms.credentials.username) == ("https://rucio.cms.example", "mine", "name")
    assert config.warnings == ()


def test_rucio_config_alone_decides_when_it_is_set(configured: Load, tmp_path: Path) -> None:
    config = configured(cfg=RUCIO_CFG, RUCIO_CONFIG=str(tmp_path / "gone.cfg"))
    with pytest.raises(BadConfig, match=r"gone\.cfg cannot be read"):
        config.instance()


@pytest.mark.parametrize(
    "text",
    [
        "no section\n",
        "[client]\naccount = one\n[client]\naccount = two\n",
        "[client]\naccount = one\naccount = one\n",
        "\xff\xfe",
        "[client]\nrucio_host = https://r.example\npassword = s%cret\n",
    ],
)
def test_a_broken_rucio_cfg_is_told_without_its_contents(configured: Load, text: str) -> None:
    config = configured(ATLAS, cfg=text)
    assert config.instance("atlas").name == "atlas"
    with pytest.raises(BadConfig, match=r"rucio\.cfg") as caught:
        config.instance("rucio.cfg")
    assert "s%cret" not in str(caught.value)


TOKEN_FILE = """[client]
rucio_host = https://rucio.example
auth_host = https://rucio-auth.example
auth_type = oidc
account = jdoe
auth_token_file_path = /tmp/rucio_oauth.token
"""


@pytest.mark.parametrize("more", ["", TOKEN_FILE, "[policy]\nschema = atlas\n" + TOKEN_FILE * 2])
def test_the_token_file_of_a_rucio_cfg_is_the_instances_however_often_it_was_appended(
    configured: Load, more: str
) -> None:
    instance = configured(cfg=TOKEN_FILE + more).instance()
    assert (instance.auth_type, instance.account) == ("oidc", "jdoe")
    assert instance.credentials.token_file == Path("/tmp/rucio_oauth.token")
