"""What a name in a notebook means: which of the configured instances, or none."""

from __future__ import annotations

import pytest

from nbrucio.errors import BadConfig, UnknownInstance
from tests.config.conftest import Load
from tests.support.config_texts import BELLE, RUCIO_CFG


def server(name: str, url: str, *lines: str) -> str:
    return "\n".join([f"[instances.{name}]", f'host = "{url}"', 'auth_type = "gss"', *lines, ""])


USUAL = server("usual", "https://h.example")
PORT = server("port", "https://h.example:8443")
PREFIX = server("prefix", "https://h.example/rucio/")
VO = server("vo", "https://h.example", 'vo = "atl"')
ALL = USUAL + PORT + PREFIX + VO


def test_each_port_prefix_and_vo_is_an_instance_of_its_own(configured: Load) -> None:
    config = configured(ALL)
    identities = ["h.example", "h.example:8443", "h.example/rucio", "h.example#atl"]
    assert [one.identity for one in config.instances] == identities
    assert [config.instance(name).identity for name in identities] == identities


@pytest.mark.parametrize("name", ["h.example", "H.Example", "h.example:443", "https://h.example/", "h.example#def"])
def test_a_bare_host_means_the_default_port_no_prefix_and_vo_def(configured: Load, name: str) -> None:
    assert configured(VO + PREFIX + PORT + USUAL).instance(name).name == "usual"


@pytest.mark.parametrize("text", [PORT, PREFIX, VO])
def test_a_bare_host_means_the_only_instance_of_that_host(configured: Load, text: str) -> None:
    found = configured(text + BELLE).instance("h.example")
    assert found.identity.startswith("h.example")
    assert not found.is_called("h.example")
    assert all(found.is_called(name) for name in (found.name, found.identity, found.identity.replace("h.e", "H.E")))


def test_a_bare_host_that_fits_several_instances_lists_them(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match=r"'h\.example' matches 2 configured Rucio instances") as caught:
        configured(PORT + VO + BELLE).instance("h.example")
    assert caught.value.hint == "Write one of them in full: h.example:8443 (port), h.example#atl (vo)."


@pytest.mark.parametrize(
    "name", ["h.example:9443", "https://h.example", "h.example/other", "h.example#cms", "h.example/RUCIO"]
)
def test_what_is_written_must_hold(configured: Load, name: str) -> None:
    with pytest.raises(UnknownInstance, match="is not configured on this machine"):
        configured(PORT + server("deep", "https://h.example:8443/rucio") + BELLE).instance(name)


def test_a_broken_instance_is_told_rather_than_another_of_its_host_taken(configured: Load) -> None:
    config = configured(PORT + '[instances.usual]\nhost = "https://h.example"\n')
    with pytest.raises(BadConfig, match=r"instances\.usual\.auth_type is missing"):
        config.instance("h.example")
    assert config.instance("h.example:8443").name == "port"


def test_an_alias_of_two_instances_lists_them(configured: Load) -> None:
    named = [server(name, f"https://{name}.example", 'aliases = ["lab"]') for name in ("one", "two")]
    with pytest.raises(UnknownInstance, match="'lab' matches 2 configured Rucio instances"):
        configured("".join(named)).instance("lab")


@pytest.mark.parametrize("turned", [False, True])
def test_a_short_name_cannot_be_the_identity_of_another(configured: Load, turned: bool) -> None:
    texts = [server('"h.example"', "https://other.example"), USUAL]
    config = configured("".join(reversed(texts) if turned else texts))
    assert len(config.instances) == 1
    assert "is already used by the instance" in str(config.faults[0].error)


def test_an_identity_that_is_configured_stays_when_the_port_changes(configured: Load) -> None:
    for port in (4001, 4002):
        text = server("lab", f"http://127.0.0.1:{port}", 'identity = "Lab.Example:443"')
        assert configured(text).instance("lab.example").identity == "lab.example"
        assert configured(text).instance(f"127.0.0.1:{port}").name == "lab"


def test_a_rucio_cfg_of_another_vo_is_another_instance(configured: Load) -> None:
    text = server("cms", "https://rucio.cms.example:443/", 'vo = "cms"')
    config = configured(text, cfg=RUCIO_CFG)
    assert [one.identity for one in config.instances] == ["rucio.cms.example#cms", "rucio.cms.example"]
    assert config.instance().name == "rucio.cms.example"
    config = configured(text, cfg=RUCIO_CFG, RUCIO_VO="cms")
    assert (len(config.instances), config.instance().name) == (1, "cms")


def test_a_default_that_fits_several_instances_lists_them(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="matches 2 configured Rucio instances"):
        configured('default_instance = "h.example"\n' + PORT + VO).instance()


def test_several_logins_to_one_server_are_one_identity(configured: Load) -> None:
    text = server("own", "https://h.example", 'account = "jdoe"') + server(
        "group", "https://H.example:443/", 'account = "higgs"'
    )
    config = configured(text + BELLE)
    own, group = config.instance("own"), config.instance("group")
    assert own.identity == group.identity == "h.example"
    assert config.instance("h.example") == own
    assert (config.written(own), config.written(group)) == ("h.example", "group")
    assert configured(f'default_instance = "group"\n{text}').instance("h.example") == group
    assert config.preferring(group).instance("h.example") == group
    assert config.preferring(group).default == config.default
