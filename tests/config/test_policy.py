"""Policy, store and the files of configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nbrucio.core.units import parse_size
from nbrucio.errors import BadConfig
from tests.config.conftest import Load
from tests.support.config_texts import ATLAS, BELLE, RUCIO_CFG


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
    with pytest.raises(ValueError, match="must be a size such as '50 GB'"):
        parse_size(text)


@pytest.mark.parametrize(
    ("own", "operator", "sent"), [("", "", True), ("false", "true", False), ("true", "false", False)]
)
def test_either_switches_traces_off(configured: Load, own: str, operator: str, sent: bool) -> None:
    texts = [f"[policy]\ntraces = {value}\n" if value else "" for value in (own, operator)]
    assert configured(texts[0], system=texts[1]).policy.traces is sent


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
        ("[policy]\nmax_download = -1\n", "policy.max_download must be a size"),
        ('[policy]\nmax_download = "much"\n', "policy.max_download ('much') must be a size such as '50 GB'"),
        ('[policy]\noffline = "yes"\n', "policy.offline must be true or false"),
        ("[policy]\nparallel = 0\n", "policy.parallel must be a whole number of at least 1"),
        ("[policy]\nread_timeout = 0\n", "policy.read_timeout must be a number of seconds"),
        ("policy = 3\n", "policy must be a table"),
        ("instances = []\n", "instances must be a table"),
        ('[store]\npath = ["a"]\n', "store.path must be a string"),
        ("default_instance = 1\n", "default_instance must be a string"),
        ("[policy\n", "is not valid TOML"),
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
    with pytest.raises(BadConfig, match=r"gone\.toml, which NBRUCIO_CONFIG names, does not exist"):
        configured(NBRUCIO_CONFIG=str(tmp_path / "gone.toml"))


def test_settings_that_nbrucio_does_not_know_are_named(configured: Load) -> None:
    text = ATLAS + 'acount = "x"\n[[instances.atlas.mounts]]\nrse = "R"\npath = "/r"\nbegin = 1\n[policy]\nmax = 1\n'
    warnings = " ".join(configured(text + "[extra]\n").warnings)
    for key in ("instances.atlas.acount", "instances.atlas.mounts[0].begin", "policy.max", "extra"):
        assert f"the setting {key} is unknown" in warnings
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


@pytest.mark.parametrize(
    ("own", "operator", "allowed"),
    [("", "", False), ("true", "", True), ("", "true", True), ("true", "false", False), ("false", "true", False)],
)
def test_unverifiable_files_are_used_where_one_allows_and_none_forbids(
    configured: Load, own: str, operator: str, allowed: bool
) -> None:
    texts = [f"[policy]\nallow_unverifiable = {value}\n" if value else "" for value in (own, operator)]
    assert configured(texts[0], system=texts[1]).policy.allow_unverifiable is allowed


def test_the_operators_avoided_rses_hold_and_the_user_chooses_the_preferred(configured: Load) -> None:
    operator = '[policy]\nprefer_rses = ["A"]\navoid_rses = ["T*"]\n'
    choice = configured('[policy]\nprefer_rses = ["B"]\navoid_rses = ["C"]\n', system=operator).policy.rses
    assert (choice.prefer, choice.avoid) == (("B",), ("T*", "C"))
    assert configured("", system=operator).policy.rses.prefer == ("A",)


def test_the_operators_rules_hold_and_users_can_only_be_stricter(configured: Load) -> None:
    operator = '[policy]\ndownloads = false\nmax_stage_lifetime = "7d"\nupload_rses = ["A", "B"]\n'
    loose = '[policy]\ndownloads = true\nmax_stage_lifetime = "30d"\nupload_rses = ["B", "C"]\n'
    day = 24 * 3600
    both = configured(loose, system=operator).policy
    assert (both.downloads, both.max_stage_lifetime_s, both.upload_rses) == (False, 7 * day, ("B",))
    alone = configured("[policy]\n", system=operator).policy
    assert (alone.downloads, alone.max_stage_lifetime_s, alone.upload_rses) == (False, 7 * day, ("A", "B"))
    own = configured("[policy]\ndownloads = false\nupload_rses = []\n", system="[policy]\n").policy
    assert (own.downloads, own.max_stage_lifetime_s, own.upload_rses) == (False, None, ())
    assert configured(loose, system="[policy]\n").policy.upload_rses == ("B", "C")
    with pytest.raises(BadConfig, match=r"policy\.max_stage_lifetime is not a lifetime such as 12h, 30d or 2w"):
        configured("[policy]\n", system='[policy]\nmax_stage_lifetime = "soon"\n')


def test_a_number_that_python_does_not_read_is_a_fault_of_the_file(configured: Load) -> None:
    with pytest.raises(BadConfig, match=r"config\.toml has a number of more than 4,300 digits\."):
        configured(f"[policy]\nparallel = {'9' * 5000}\n")
