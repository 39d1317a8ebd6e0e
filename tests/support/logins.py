"""A user who logs in, and a configuration with one instance."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nbrucio.config import Config, Instance, Policy
from nbrucio.operations.login import LoginPage


@dataclass
class Answers:
    """A user who answers what a test says."""

    typed: tuple[str, str] | None = None
    at_terminal: bool = True
    secret: str | None = None
    codes: list[str] = field(default_factory=list)
    pages: list[LoginPage] = field(default_factory=list)

    def password(self, instance: Instance) -> tuple[str, str] | None:
        return self.typed if instance.credentials.password is None or self.typed else None

    def passphrase(self) -> str | None:
        return self.secret

    def page(self, login: LoginPage) -> None:
        self.pages.append(login)

    def code(self, attempt: int) -> str:
        return self.codes[attempt - 1]


def config_of(instance: Instance, tmp_path: Path, **policy: bool) -> Config:
    return Config((instance,), instance, tmp_path / "store", Policy(connect_timeout_s=5, read_timeout_s=10, **policy))
