"""Instances are added to the user's file, in which every other byte stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from nbrucio.config import load
from nbrucio.config.write import add_instances, new_instance
from nbrucio.errors import BadConfig, ConsentNeeded, UnknownInstance, UsageError
from tests.support.config_texts import ATLAS

NEW: Mapping[str, object] = {
    "host": "https://new.example",
    "auth_type": "userpass",
    "username": "jdoe",
    "password": 'qu"ote\\ \u007f ü\n',
    "mounts": [{"rse": "A", "path": "/a", "begins_at": 2}, {"rse": "B", "path": "/b"}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "config.toml"


def _environ(file: Path) -> dict[str, str]:
    return {"HOME": str(file.parent), "NBRUCIO_CONFIG": str(file)} if file.exists() else {"HOME": str(file.parent)}


def _add(file: Path, text: str | None, name: str = "new", *, default: str | None = None, system: str = "") -> str:
    file.parent.mkdir(exist_ok=True)
    operator = file.parent.parent / "operator.toml"
    operator.write_text(system)
    if text is None:
        environ = {"HOME": str(file.parent), "XDG_CONFIG_HOME": str(file.parent)}
    else:
        file.write_bytes(text.encode())
        environ = {"HOME": str(file.parent), "NBRUCIO_CONFIG": str(file)}
    written = add_instances({name: NEW}, default=default, environ=environ, system_file=operator)
    config = load({**environ, "NBRUCIO_CONFIG": str(written)}, system_file=operator)
    assert config.faults == ()
    instance = config.instance(name)
    assert (instance.host, instance.credentials.password) == (NEW["host"], NEW["password"])
    assert [(mount.rse, mount.begins_at) for mount in instance.mounts] == [("A", 2), ("B", None)]
    assert written.stat().st_mode & 0o777 == 0o600
    return written.read_bytes().decode()


def test_a_new_file_is_for_the_user_alone(file: Path) -> None:
    text = _add(file, None, default="new")
    assert text.startswith('default_instance = "new"\n\n[instances.new]\nhost = ')
    assert (file.parent / "nbrucio").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# a comment\n",
        ATLAS,
        ATLAS.rstrip("\n"),
        ATLAS.replace("\n", "\r\n"),
        "# top\n" + ATLAS + "\n[[instances.atlas.mounts]]\nrse = 'X' # here\npath = '/x'\n\n\n# end",
        '[instances]\n[instances."a b"]\nhost = "https://a.example"\nauth_type = "gss"\n',
    ],
)
def test_an_existing_file_keeps_every_byte(file: Path, text: str) -> None:
    assert text in _add(file, text)
    written = _add(file, text, default="new")
    assert text in written
    assert written.startswith('default_instance = "new"\n')


def test_the_rights_of_a_file_without_a_secret_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("")
    file.chmod(0o640)
    settings = {"host": "https://x.example", "auth_type": "gss"}
    environ = {"HOME": str(file.parent), "NBRUCIO_CONFIG": str(file)}
    add_instances({"x": settings}, environ=environ, system_file=file.parent / "none")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_link_to_the_file_stays_a_link(file: Path) -> None:
    file.parent.mkdir()
    real = file.parent / "dotfiles.toml"
    real.write_text(ATLAS)
    file.symlink_to(real)
    environ = {"HOME": str(file.parent), "NBRUCIO_CONFIG": str(file)}
    add_instances({"new": NEW}, environ=environ, system_file=file.parent / "none")
    assert file.is_symlink()
    assert "[instances.new]" in real.read_text()


@pytest.mark.parametrize("name", ["atlas", "ATLAS"])
def test_no_instance_is_overwritten(file: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"already configured, in .*config\.toml:3"):
        _add(file, ATLAS, name)
    assert file.read_text() == ATLAS
    with pytest.raises(UsageError, match=r"already configured, in .*operator\.toml:3"):
        _add(file, "", name, system=ATLAS)


def test_an_invalid_instance_is_not_overwritten_either(file: Path) -> None:
    with pytest.raises(UsageError, match="already configured"):
        _add(file, "[instances.new]\nhost = 7\n")


def test_another_default_instance_stays(file: Path) -> None:
    text = 'default_instance = "atlas"\n' + ATLAS
    with pytest.raises(UsageError, match="already set to 'atlas'"):
        _add(file, text, default="new")
    assert file.read_text() == text


@pytest.mark.parametrize("name", ["", "a b", "-x", "x\n", "x" * 65, "[x]", '"'])
def test_a_name_is_letters_and_digits(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an instance"):
        new_instance(name, NEW)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "no URL"}, "must be a URL"),
        ({"hosst": "x"}, "hosst is unknown"),
        ({"auth_type": "magic"}, "must be one of"),
        ({"username": 7}, "must be a string"),
    ],
)
def test_wrong_settings_are_refused_before_the_file_is_touched(
    file: Path, change: dict[str, object], words: str
) -> None:
    file.parent.mkdir()
    file.write_text(ATLAS)
    with pytest.raises(BadConfig, match=words):
        add_instances({"new": {**NEW, **change}}, environ=_environ(file), system_file=file.parent / "none")
    assert file.read_text() == ATLAS


@pytest.mark.parametrize("text", ['instances = { a = { host = "https://a.example", auth_type = "gss" } }\n'])
def test_a_file_of_another_form_is_left_alone(file: Path, text: str) -> None:
    with pytest.raises(BadConfig, match="in a form to which nothing can be added"):
        _add(file, text)
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_named(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(ATLAS)
    file.chmod(0o400)
    settings = {"host": "https://x.example", "auth_type": "gss"}
    with pytest.raises(BadConfig, match=r"config\.toml cannot be written: it is read-only"):
        add_instances({"x": settings}, environ=_environ(file), system_file=file.parent / "none")


FIXED = ATLAS + "[policy]\nfixed_instances = true\n"


def test_fixed_instances_are_not_added_to(file: Path) -> None:
    with pytest.raises(ConsentNeeded, match="allows the configured Rucio instances only"):
        _add(file, "", system=FIXED)


def test_with_fixed_instances_no_hint_is_to_add_one(file: Path) -> None:
    operator = file.parent / "operator.toml"
    operator.parent.mkdir(exist_ok=True)
    operator.write_text(FIXED)
    with pytest.raises(UnknownInstance) as caught:
        load(_environ(file), system_file=operator).instance("belle")
    assert caught.value.next_command is None
    assert caught.value.hint == (
        "Configured instances: atlas. The administrator fixes the instances of this machine: ask for this one."
    )


def test_with_fixed_instances_a_user_sets_the_login_alone(file: Path) -> None:
    file.parent.mkdir()
    operator = file.parent / "operator.toml"
    operator.write_text(FIXED)
    cfg = file.parent / "rucio.cfg"
    cfg.write_text("[client]\nrucio_host = https://other.example\nauth_type = gss\n")

    def read(text: str) -> tuple[list[str], list[str], str | None]:
        file.write_text(text)
        config = load({**_environ(file), "RUCIO_CONFIG": str(cfg)}, system_file=operator)
        atlas = config.instance("atlas")
        assert atlas.host == "https://rucio.atlas.example:443"
        return [one.name for one in config.instances], [one.error.message for one in config.faults], atlas.account

    assert read('[instances.atlas]\naccount = "me"\nauth_type = "gss"\n') == (["atlas"], [], "me")
    for text in ('[instances.atlas]\nhost = "https://mine.example"\n', '[instances.mine]\naccount = "me"\n'):
        names, faults, account = read(text)
        assert (names, account, len(faults)) == (["atlas"], "jdoe", 1)
        assert "the administrator fixes the instances of this machine" in faults[0]
    assert read("[policy]\nfixed_instances = false\n") == (["atlas"], [], "jdoe")


def test_a_file_with_a_bom_is_extended(file: Path) -> None:
    text = _add(file, "\ufeff" + ATLAS, default="new")
    assert text.startswith(f'default_instance = "new"\n\n{ATLAS}')
