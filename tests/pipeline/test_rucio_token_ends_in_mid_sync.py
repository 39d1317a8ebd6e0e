"""Whole syncs in which Rucio ends the token in the middle, with a login by password.

`tests/world/test_tokens_end_in_mid_sync.py` has the other kinds of logins.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from nbrucio.config import Config
from nbrucio.sandbox import Sandbox
from tests.support.mid_sync import left_off, mid_sync, renewed

_numbers = itertools.count()


@pytest.fixture
def name() -> str:
    """The name of an RSE and a dataset for one test."""
    return f"TOKENENDS_{next(_numbers)}"


def test_a_password_of_the_configuration_renews_the_token_once(
    sandbox: Sandbox, config: Config, name: str, tmp_path: Path
) -> None:
    known = config.instance().credentials
    login = f'auth_type = "userpass"\nusername = "{known.username}"\npassword = "{known.password}"'
    with mid_sync(sandbox, name, tmp_path, login) as user:
        renewed(user, "/auth/userpass")


def test_without_the_password_the_sync_ends_with_7_and_goes_on_after_a_login(
    sandbox: Sandbox, config: Config, name: str, tmp_path: Path
) -> None:
    known = config.instance().credentials
    password = tmp_path / "password"
    password.write_text(str(known.password))
    login = f'auth_type = "userpass"\nusername = "{known.username}"'
    with mid_sync(sandbox, name, tmp_path, login) as user:

        def log_in() -> None:
            assert user.run("login", "cern", "--password-file", password).exit_code == 0

        log_in()
        left_off(user, lambda: None, "there is no valid token", "next: nbrucio login cern", log_in)
