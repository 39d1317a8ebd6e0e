"""Configuration: layers, instances, mounts, and what is said about faults."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrucio.config import Config, Instance, Mount, load, parse_size
from nbrucio.errors import BadConfig, UnknownInstance

ATLAS = """
[instances.atlas]
host = "https://rucio.atlas.example:443"
auth_host = "https://auth.atlas.example"
account = "jdoe"
auth_type = "x509_proxy"
aliases = ["ATLAS-Prod"]
"""
BELLE = """
[instances.belle]
host = "https://rucio.belle.example"
auth_type = "gss"
"""
RUCIO_CFG = """
[client]
rucio_host = https://rucio.cms.example
auth_host = https://auth.cms.example:443
account = cmsuser
auth_type = userpass
username = name
password = 100%%secret
ca_cert = /etc/cms-ca.pem
"""

Load = Callable[..., Config]


@pytest.fixture
def configured(tmp_path: Path) -> Load:
    """Load configuration from texts: the operator's, the user's and a rucio.cfg, each left out when None."""

    def read(user: str | None = None, *, system: str | None = None, cfg: str | None = None, **environ: str) -> Config:
        home = tmp_path / "home"
        for path, text in (
            (home / "config" / "nbrucio" / "config.toml", user),
            (tmp_path / "etc" / "config.toml", system),
            (tmp_path / "rucio" / "etc" / "rucio.cfg", cfg),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                path.touch(mode=0o600)
                path.write_text(text)
        places = {"HOME": home, "XDG_CONFIG_HOME": home / "config", "XDG_CACHE_HOME": home / "cache"}
        base = {name: str(path) for name, path in {**places, "RUCIO_HOME": tmp_path / "rucio"}.items()}
        return load({**base, **environ}, system_file=tmp_path / "etc" / "config.toml")

    return read


# --- instances --------------------------------------------------------------------------------------------------------


def test_an_instance_is_read_with_its_defaults(configured: Load) -> None:
    atlas = configured(ATLAS).instance("atlas")
    assert atlas.identity == "rucio.atlas.example"
    assert (atlas.host, atlas.auth_host) == ("https://rucio.atlas.example:443", "https://auth.atlas.example")
    assert (atlas.account, atlas.auth_type, atlas.vo) == ("jdoe", "x509_proxy", "def")
    belle = configured(BELLE).instance("belle")
    assert belle.auth_host == belle.host
    assert (belle.account, belle.ca_cert, belle.storage_ca) == (None, None, None)


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
    assert "Configured: atlas, belle." in caught.value.hint
    assert all(str(place) in caught.value.hint for place in config.places)


def test_a_short_name_goes_before_an_alias(configured: Load) -> None:
    text = ATLAS.replace('"ATLAS-Prod"', '"belle"') + BELLE
    assert configured(text).instance("belle").name == "belle"


def test_instances_of_operator_and_user_are_merged_key_by_key(configured: Load) -> None:
    config = configured('[instances.atlas]\naccount = "other"\n' + BELLE, system=ATLAS)
    assert [instance.name for instance in config.instances] == ["atlas", "belle"]
    assert config.instance("atlas").account == "other"
    assert config.instance("atlas").host == "https://rucio.atlas.example:443"


def test_two_instances_cannot_share_an_identity(configured: Load) -> None:
    config = configured(BELLE + BELLE.replace("instances.belle", "instances.twin"))
    assert config.instance("rucio.belle.example").name == "belle"
    with pytest.raises(BadConfig, match=r"instances\.twin\.identity .* already means the instance belle"):
        config.instance("twin")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('host = "rucio.example"', "instances.x.host is not a URL"),
        ('host = "ftp://rucio.example"', "instances.x.host is not a URL"),
        ('host = "https://rucio.example:99999"', "instances.x.host is not a URL"),
        ('host = "https://me:secret@rucio.example"', "instances.x.host must not hold a login"),
        ("host = 3", "instances.x.host is not a text"),
        ('account = "a"', "instances.x.host is missing"),
        ('host = "https://r.example"\nauth_type = "saml"', "instances.x.auth_type is none of userpass"),
        ('host = "https://r.example"\nauth_type = ""', "instances.x.auth_type is empty"),
        ('host = "https://r.example"', "instances.x.auth_type is missing"),
        ('host = "https://r.example"\nauth_type = "gss"\naliases = "one"', "instances.x.aliases is not a list"),
        ('host = "https://r.example"\nauth_type = "gss"\nca_cert = "\\u0000"', "instances.x.ca_cert holds a NUL"),
        (
            'host = "https://r.example"\nauth_type = "gss"\n[[instances.x.mounts]]\nrse = "R"',
            "instances.x.mounts[0].path is missing",
        ),
        (
            'host = "https://r.example"\nauth_type = "gss"\n'
            '[[instances.x.mounts]]\nrse = "R"\npath = "/r"\nbegins_at = -1',
            "instances.x.mounts[0].begins_at is not a whole number of at least 0",
        ),
        (
            'host = "https://r.example"\nauth_type = "gss"\n'
            '[[instances.x.mounts]]\nrse = "R"\npath = "/r"\nbegins_at = 1\nprefix = "file://r/"',
            "instances.x.mounts[0].prefix and begins_at exclude each other",
        ),
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


# --- the default instance and rucio.cfg -------------------------------------------------------------------------------


def test_nothing_configured_says_how_to_begin(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="No Rucio instance is configured here") as caught:
        configured().instance()
    assert "config.toml" in str(caught.value.hint)
    assert "rucio.cfg" in str(caught.value.hint)


def test_the_only_instance_is_the_default(configured: Load) -> None:
    assert configured(ATLAS).instance().name == "atlas"


def test_of_several_instances_one_must_be_chosen(configured: Load) -> None:
    with pytest.raises(UnknownInstance, match="No default Rucio instance is chosen") as caught:
        configured(ATLAS + BELLE).instance()
    assert "Configured: atlas, belle." in str(caught.value.hint)
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
        "[client]\n[client]\n",
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


# --- mounts -----------------------------------------------------------------------------------------------------------

# The second column is what rucio-jupyterlab computes with its settings rse_mount_path and path_begins_at.
BEGINS_AT = [
    (0, "root://eos.example:1094//eos/rucio/a/f.root", "/m/eos/rucio/a/f.root"),
    (1, "root://eos.example:1094//eos/rucio/a/f.root", "/m/rucio/a/f.root"),
    (2, "davs://eos.example:443/eos/rucio/a/f.root", "/m/a/f.root"),
    (4, "file://localhost/srv/x/y/z/a/f.root", "/m/a/f.root"),
    (9, "https://eos.example/eos/f.root", "/m/f.root"),
    (1, "https://s3.example/bucket/f.root?X-Amz-Signature=a/b", "/m/f.root"),
    (1, "file://localhost/srv/what?.root", "/m/what?.root"),
    (1, "/srv/f.root", "/m/f.root"),
    (1, "root://eos.example//eos/rucio//double/f.root", "/m/rucio/double/f.root"),
    (1, "https://eos.example/eos/per%2Fcent", "/m/per%2Fcent"),
]


@pytest.mark.parametrize(("begins_at", "pfn", "path"), BEGINS_AT)
def test_a_mount_follows_the_rule_of_rucio_jupyterlab(begins_at: int, pfn: str, path: str) -> None:
    assert Mount("R", Path("/m"), begins_at, None).local_path(pfn) == Path(path)


@pytest.mark.parametrize(
    ("pfn", "path"),
    [
        ("root://eos.example//eos/rucio/a/f.root", "/m/a/f.root"),
        ("root://eos.example//eos/rucio/a/f.root?oss.x=1", "/m/a/f.root"),
        ("root://eos.example//eos/rucio2/a/f.root", None),
        ("root://eos.example//eos/rucio/", None),
        ("root://other.example//eos/rucio/a/f.root", None),
    ],
)
def test_a_mount_with_a_prefix_replaces_it(pfn: str, path: str | None) -> None:
    mount = Mount("R", Path("/m"), None, "root://eos.example//eos/rucio")
    assert mount.local_path(pfn) == (Path(path) if path else None)


@pytest.mark.parametrize("pfn", ["", "/", "file://h/a/../../b", "file://h/..", "file://h/a/b\0c", "root://h"])
def test_a_pfn_that_leads_nowhere_or_elsewhere_is_on_no_mount(pfn: str) -> None:
    assert Mount("R", Path("/m"), 0, None).local_path(pfn) is None


@given(st.text(alphabet=st.sampled_from("/.a:?\0\\~$%")), st.integers(0, 4), st.sampled_from([None, "file://h/a"]))
def test_no_pfn_leads_out_of_a_mount(tail: str, begins_at: int, prefix: str | None) -> None:
    path = Mount("R", Path("/m/n"), None if prefix else begins_at, prefix).local_path("file://h/a" + tail)
    assert path is None or (Path("/m/n") in path.parents and ".." not in path.parts)


def test_an_instance_looks_only_at_mounts_of_the_rse() -> None:
    mounts = (Mount("A", Path("/a"), 0), Mount("B", Path("/b"), None, "file://h/x/"), Mount("B", Path("/c"), 0))
    instance = Instance("i", "i", "http://h", "http://h", "gss", mounts=mounts)
    assert instance.local_path("A", "file://h/x/f") == Path("/a/x/f")
    assert instance.local_path("B", "file://h/x/f") == Path("/b/f")
    assert instance.local_path("B", "file://h/y/f") == Path("/c/y/f")
    assert instance.local_path("C", "file://h/x/f") is None


# --- policy, store, files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("10", 10),
        ("1 B", 1),
        ("50 GB", 50 * 10**9),
        ("50gb", 50 * 10**9),
        ("1.5 TB", 15 * 10**11),
        ("2 kB", 2000),
        ("512 MiB", 512 * 2**20),
        (" 1 PB ", 10**15),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "GB", "-1 GB", "1 XB", "1,5 GB", "1e3", "inf", "1 GB 2", "٣ GB", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size such as '50 GB'"):
        parse_size(text)


def test_without_a_policy_the_defaults_hold(configured: Load) -> None:
    policy = configured().policy
    assert (policy.max_download_bytes, policy.keep_free_bytes, policy.offline) == (None, 10**9, False)


def test_the_user_narrows_and_the_operator_limits(configured: Load) -> None:
    system = '[policy]\nmax_download = "50 GB"\nkeep_free = "5 GB"\nparallel = 8\n'
    greedy = configured('[policy]\nmax_download = "90 GB"\nkeep_free = 0\nparallel = 64\n', system=system).policy
    assert (greedy.max_download_bytes, greedy.keep_free_bytes, greedy.parallel) == (50 * 10**9, 5 * 10**9, 8)
    modest = configured('[policy]\nmax_download = "1 GB"\nkeep_free = "9 GB"\nparallel = 2\n', system=system).policy
    assert (modest.max_download_bytes, modest.keep_free_bytes, modest.parallel) == (10**9, 9 * 10**9, 2)
    silent = configured("", system=system).policy
    assert (silent.max_download_bytes, silent.keep_free_bytes, silent.parallel) == (50 * 10**9, 5 * 10**9, 8)


def test_variables_go_before_the_user_but_not_the_operator(configured: Load) -> None:
    limits = {"NBRUCIO_MAX_DOWNLOAD": "70 GB", "NBRUCIO_KEEP_FREE": "0"}
    assert configured('[policy]\nmax_download = "1 GB"\n', **limits).policy.max_download_bytes == 70 * 10**9
    capped = configured(system='[policy]\nmax_download = "50 GB"\nkeep_free = "2 GB"\n', **limits).policy
    assert (capped.max_download_bytes, capped.keep_free_bytes) == (50 * 10**9, 2 * 10**9)


def test_safe_means_offline_and_cannot_be_undone_below_the_operator(configured: Load) -> None:
    assert configured(NBRUCIO_SAFE="1").policy.offline
    assert not configured(NBRUCIO_SAFE="0").policy.offline
    assert not configured(NBRUCIO_SAFE="").policy.offline
    assert configured("[policy]\noffline = false\n", system="[policy]\noffline = true\n").policy.offline


@pytest.mark.parametrize(
    ("variable", "value"), [("NBRUCIO_SAFE", "maybe"), ("NBRUCIO_MAX_DOWNLOAD", "lots"), ("NBRUCIO_KEEP_FREE", "-1")]
)
def test_a_wrong_variable_is_named(configured: Load, variable: str, value: str) -> None:
    with pytest.raises(BadConfig, match=f"{variable} .*'{value}'"):
        configured(**{variable: value})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[policy]\nmax_download = -1\n", "policy.max_download is not a size"),
        ('[policy]\nmax_download = "much"\n', "policy.max_download ('much') is not a size such as '50 GB'"),
        ('[policy]\noffline = "yes"\n', "policy.offline is neither true nor false"),
        ("[policy]\nparallel = 0\n", "policy.parallel is not a whole number of at least 1"),
        ("[policy]\nread_timeout = 0\n", "policy.read_timeout is not a number of seconds"),
        ("policy = 3\n", "policy is not a table"),
        ("instances = []\n", "instances is not a table"),
        ('[store]\npath = ["a"]\n', "store.path is not a text"),
        ("default_instance = 1\n", "default_instance is not a text"),
        ("[policy\n", "is not TOML"),
    ],
)
def test_a_fault_outside_the_instances_stops_with_file_and_key(configured: Load, text: str, fault: str) -> None:
    with pytest.raises(BadConfig) as caught:
        configured(text)
    assert fault in str(caught.value)
    assert "config.toml" in str(caught.value)


def test_the_store_is_where_environment_user_or_operator_want_it(configured: Load, tmp_path: Path) -> None:
    home = tmp_path / "home"
    system, user = '[store]\npath = "/scratch/$USER/nbrucio"\n', '[store]\npath = "~/data"\n'
    assert configured().store_path == home / "cache" / "nbrucio" / "store"
    assert configured(system=system, USER="jdoe").store_path == Path("/scratch/jdoe/nbrucio")
    assert configured(user, system=system).store_path == home / "data"
    assert configured(user, NBRUCIO_STORE=str(tmp_path / "s")).store_path == tmp_path / "s"
    assert configured('[store]\npath = "here"\n').store_path == home / "config" / "nbrucio" / "here"


def test_nbrucio_config_replaces_the_users_file_but_not_the_operators(configured: Load, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(BELLE)
    config = configured(ATLAS, system='default_instance = "belle"\n', NBRUCIO_CONFIG=str(tmp_path / "mine.toml"))
    assert [instance.name for instance in config.instances] == ["belle"]
    assert config.sources == (tmp_path / "etc" / "config.toml", tmp_path / "mine.toml")
    with pytest.raises(BadConfig, match=r"gone\.toml is not there, but NBRUCIO_CONFIG names it"):
        configured(NBRUCIO_CONFIG=str(tmp_path / "gone.toml"))


def test_settings_that_nbrucio_does_not_know_are_named(configured: Load) -> None:
    text = ATLAS + 'acount = "x"\n[[instances.atlas.mounts]]\nrse = "R"\npath = "/r"\nbegin = 1\n[policy]\nmax = 1\n'
    warnings = " ".join(configured(text + "[extra]\n").warnings)
    for key in ("instances.atlas.acount", "instances.atlas.mounts[0].begin", "policy.max", "extra"):
        assert f"{key} is no setting of nbrucio" in warnings
    assert configured(ATLAS).warnings == ()


def test_a_password_that_others_can_read_is_warned_of(configured: Load, tmp_path: Path) -> None:
    text = BELLE + 'password = "secret"\n'
    assert configured(text, cfg=RUCIO_CFG).warnings == ()
    for file in (tmp_path / "home/config/nbrucio/config.toml", tmp_path / "rucio/etc/rucio.cfg"):
        file.chmod(0o644)
    warnings = configured(text, cfg=RUCIO_CFG).warnings
    assert len(warnings) == 2
    assert all("chmod 600" in warning and "secret" not in warning for warning in warnings)


def test_importing_configuration_is_light() -> None:
    code = "import sys; import nbrucio.config; nbrucio.config.load({}); print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"rucio", "requests", "rich", "click", "jsonschema", "urllib3"}
