"""A rucio.cfg means to nbrucio what it means to rucio-clients, in the shapes that sites give it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.config import Instance
from nbrucio.errors import BadConfig
from tests.config.conftest import Load

HOSTS = "rucio_host = https://rucio.example.org\nauth_host = https://rucio-auth.example.org:443\n"

#: Texts after `HOSTS`, and what is set in the environment. HERE is a folder with the files that are named.
SHAPES: dict[str, tuple[str, dict[str, str]]] = {
    "oidc with refresh": (
        "ca_cert = HERE/ca.pem\nauth_type = oidc\nusername =\npassword =\naccount = jdoe\n"
        "oidc_scope = openid profile offline_access wlcg.groups\n"
        "oidc_audience = rucio https://wlcg.cern.ch/jwt/v1/any\n"
        "auth_oidc_refresh_active = True\nauth_oidc_refresh_before_exp = 20\n",
        {},
    ),
    "proxy variable": (
        "client_x509_proxy = $X509_USER_PROXY\nrequest_retries = 3\nauth_type = x509_proxy\n"
        "[policy]\npermission = atlas\nlfn2pfn_algorithm_default = hash\n[upload]\n#transfer_timeout = 3600\n",
        {"X509_USER_PROXY": "HERE/proxy.pem"},
    ),
    "proxy variable in braces": (
        "client_x509_proxy = ${X509_USER_PROXY}\nauth_type = x509_proxy\n",
        {"X509_USER_PROXY": "HERE/proxy.pem"},
    ),
    "proxy where the grid puts it": ("auth_type = x509_proxy\n", {"X509_USER_PROXY": "HERE/proxy.pem"}),
    "proxy of the environment first": (
        "auth_type = x509_proxy\nclient_x509_proxy = HERE/other.pem\n",
        {"RUCIO_CLIENT_PROXY": "HERE/proxy.pem", "X509_USER_PROXY": "HERE/other.pem"},
    ),
    "proxy of the file before the grid's": (
        "auth_type = x509_proxy\nclient_x509_proxy = HERE/proxy.pem\n",
        {"X509_USER_PROXY": "HERE/other.pem"},
    ),
    "folder of CAs": (
        "auth_type = x509\nclient_cert = ~/usercert.pem\nclient_key = ~/userkey.pem\nca_cert = HERE/certificates\n"
        "account = jdoe\n",
        {"HOME": "HERE"},
    ),
    "folder of CAs of the environment": (
        "auth_type = x509\nclient_cert = HERE/usercert.pem\nclient_key = HERE/userkey.pem\nca_cert = HERE/ca.pem\n",
        {"X509_CERT_DIR": "HERE/certificates"},
    ),
    "several VOs": (
        "auth_type=userpass\nusername=jdoe\npassword=x\naccount=jdoe\nca_cert=HERE/ca.pem\nvo=abc\n"
        "proxy=/tmp/x509up_u1000\nrequest_retries=5\n[common]\nmulti_vo = True\n",
        {},
    ),
    "password with signs": ("auth_type = userpass\nusername = jdoe\npassword = a%%b # not a comment\n", {}),
    "account and login of the environment": (
        "auth_type = x509\naccount = other\nssh_private_key = HERE/id_rsa\n",
        {"RUCIO_ACCOUNT": "jdoe", "RUCIO_AUTH_TYPE": "ssh", "RUCIO_VO": "xyz"},
    ),
    "continued and differently spelled": (
        "Auth_Type : userpass\nusername = jdoe\npassword = x\naccount = jdoe\ntrace_host = https://unused.example.org\n",
        {},
    ),
}

_THEIRS = """
import json, logging, sys
from rucio.client.baseclient import BaseClient
class Asked(BaseClient):
    def _BaseClient__authenticate(self):
        pass
client = Asked()
print(json.dumps([client.host, client.auth_host, client.account, client.vo, client.ca_cert, client.auth_type,
                  client.creds]))
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The folder of the files that the shapes name."""
    for name in ("ca.pem", "proxy.pem", "other.pem", "usercert.pem", "userkey.pem", "id_rsa"):
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "certificates").mkdir()
    return tmp_path


@pytest.mark.parametrize("shape", SHAPES)
def test_each_key_means_what_rucio_clients_reads(shape: str, here: Path, configured: Load) -> None:
    text, wanted = SHAPES[shape]
    cfg = ("[client]\n" + HOSTS + text).replace("HERE", str(here))
    environ = {name: value.replace("HERE", str(here)) for name, value in wanted.items()}
    (instance,) = configured(cfg=cfg, **environ).instances
    assert _ours(instance, environ) == _theirs(cfg, here, environ)


def _theirs(cfg: str, here: Path, environ: dict[str, str]) -> list[object]:
    (here / "theirs.cfg").write_text(cfg)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("RUCIO_", "X509_"))}
    env = {**clean, "RUCIO_CONFIG": str(here / "theirs.cfg"), "RUCIO_CLIENT_MODE": "1", **environ}
    done = subprocess.run([sys.executable, "-c", _THEIRS], env=env, capture_output=True, text=True, check=True)
    found: list[object] = json.loads(done.stdout)
    return found


def _ours(instance: Instance, environ: dict[str, str]) -> list[object]:
    from nbrucio.catalogue.credentials import user_proxy

    login = instance.credentials
    oidc = {"refresh_lifetime": None, "issuer": None, "audience": None, "scope": "openid profile", "polling": False}
    creds = {
        "userpass": {"username": login.username, "password": login.password},
        "x509": {"client_cert": login.client_cert, "client_key": login.client_key},
        "x509_proxy": {"client_proxy": login.client_proxy or user_proxy(environ)},
        "ssh": {"ssh_private_key": login.ssh_private_key},
        "oidc": {f"oidc_{name}": value for name, value in {**oidc, **login.oidc}.items()},
    }[instance.auth_type]
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in creds.items()}
    ca = True if instance.ca_cert is None else str(instance.ca_cert)
    return [instance.host, instance.auth_host, instance.account, instance.vo, ca, instance.auth_type, texts]


def test_a_proxy_variable_without_a_value_leaves_the_usual_place(configured: Load) -> None:
    """rucio-clients takes ``$X509_USER_PROXY`` for the name of a file then."""
    text = f"[client]\n{HOSTS}auth_type = x509_proxy\nclient_x509_proxy = $X509_USER_PROXY\n"
    (instance,) = configured(cfg=text).instances
    assert instance.credentials.client_proxy is None


@pytest.mark.parametrize("account", ["${USER}", "$USER", "${RUCIO_USER}.x"])
def test_an_account_with_a_variable_is_an_error(configured: Load, account: str) -> None:
    text = f"[client]\n{HOSTS}auth_type = x509_proxy\naccount = {account}\n"
    (fault,) = configured(cfg=text).faults
    assert "account" in fault.error.message
    assert account in fault.error.message
    assert "Rucio replaces no variables" in fault.error.message
    (named,) = configured(cfg=text, RUCIO_ACCOUNT="jdoe").instances
    assert named.account == "jdoe"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rucio_host = x\n", "line 1: a [section] must come before the first setting"),
        ("[client]\nrucio_host = x\nsecret-token\n", "line 3: it is not a setting (name = value)"),
        ("[client]\nusername = a\nusername = b\n", "line 3: a setting appears twice in its section"),
        ("[client]\nauth_type = gss\n[client]\nauth_type = ssh\n", "line 3: a section appears twice"),
        ("[client]\nusername = a\npassword = secret%x\n", "line 3: a percent sign must be written %%"),
        ("[client]\nusername = a\npassword = %(secret)s\n", "line 3: a percent sign must be written %%"),
    ],
)
def test_a_fault_of_the_file_gives_its_line_and_no_secret(configured: Load, text: str, words: str) -> None:
    (fault,) = configured(cfg=text).faults
    assert isinstance(fault.error, BadConfig)
    assert words in fault.error.message
    assert "secret" not in f"{fault.error.message} {fault.error.hint}"


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("rucio_host = nowhere\n", {}, "CFG:2: rucio_host in [client] must be a URL such as"),
        ("auth_type = gss\n", {}, "CFG: rucio_host in [client] is missing"),
        ("auth_type = gss\n", {"RUCIO_ACCOUNT": "jdoe"}, "CFG and RUCIO_ACCOUNT: rucio_host in [client] is missing"),
        (f"{HOSTS}Auth_Type = magic\n", {}, "CFG:4: auth_type in [client] must be one of"),
        (HOSTS, {"RUCIO_AUTH_TYPE": "magic"}, "RUCIO_AUTH_TYPE: auth_type in [client] must be one of"),
        (f"{HOSTS}auth_type = gss\n[trace]\ntrace_host = x y\n", {}, "CFG:6: trace_host in [trace] must be a URL"),
        (
            f"{HOSTS}auth_type = oidc\nauth_oidc_refresh_before_exp = soon\n",
            {},
            "CFG:5: auth_oidc_refresh_before_exp in [client] must be a number of minutes",
        ),
        (
            f"{HOSTS}auth_type = oidc\nauth_oidc_refresh_before_exp = {'9' * 5000}\n",
            {},
            "CFG:5: auth_oidc_refresh_before_exp in [client] must be a number of minutes",
        ),
    ],
)
def test_a_wrong_setting_is_named_as_the_file_writes_it(
    text: str, environ: dict[str, str], words: str, configured: Load
) -> None:
    (fault,) = configured(cfg=f"[client]\n{text}", **environ).faults
    assert words.replace("CFG", "rucio.cfg") in fault.error.message
    assert "client." not in fault.error.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "[client]\n", "[policy]\npermission = x\n"])
def test_a_file_without_settings_is_named(text: str, configured: Load, tmp_path: Path) -> None:
    (fault,) = configured(cfg=text).faults
    file = tmp_path / "rucio" / "etc" / "rucio.cfg"
    assert fault.error.message.startswith(f"{file}: rucio_host in [client] is missing")
    (fault,) = configured(cfg=text, RUCIO_ACCOUNT="jdoe").faults
    assert fault.error.message.startswith(f"{file} and RUCIO_ACCOUNT: rucio_host in [client] is missing")


def test_a_file_with_a_bom_is_read(configured: Load) -> None:
    config = configured(cfg=f"\ufeff[client]\n{HOSTS}auth_type = gss\n")
    assert (len(config.instances), config.faults) == (1, ())


def test_a_rucio_cfg_of_an_own_instance_is_named_likewise(configured: Load, tmp_path: Path) -> None:
    (tmp_path / "site.cfg").write_text("[client]\nauth_type = gss\nrucio_host = ftp://x\n")
    own = f'[instances.cms]\nrucio_cfg = "{tmp_path}/site.cfg"\n'
    (fault,) = configured(own).faults
    assert f"{tmp_path}/site.cfg:3: rucio_host in [client] must be a URL" in fault.error.message
    (tmp_path / "site.cfg").write_text("[client]\nauth_type = gss\n")
    (fault,) = configured(own).faults
    assert "instances.cms.host is missing" in fault.error.message  # may be added to either file


@pytest.mark.parametrize("section", ["common", "policy"])
def test_a_name_without_scope_means_what_it_means_to_rucio(section: str, configured: Load) -> None:
    cfg = "[client]\n" + HOSTS + f"auth_type = gss\n[{section}]\nextract_scope = dirac\n"
    (instance,) = configured(cfg=cfg).instances
    assert str(instance.scope_rule.did("/belle/user/f.root")) == "user:/belle/user/f.root"
