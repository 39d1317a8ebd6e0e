"""Combine the settings of operator, user and environment into the policy of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nbrucio.config.table import Table
from nbrucio.config.values import OPEN_LEVELS, Policy
from nbrucio.core.download_limit import LimitOrigin
from nbrucio.core.requirement import ACCESS_WORDS
from nbrucio.core.text import printable
from nbrucio.core.units import parse_size
from nbrucio.errors import BadConfig

#: The values of the operator that users cannot change.
_FINAL = {"offline": True, "traces": False, "allow_unverifiable": False, "fixed_instances": True, "downloads": False}
_ON, _OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_CORRECT_VARIABLE = "Correct or unset it."


#: Each setting, its attribute of `Policy`, and the variable that goes before it.
POLICY_SETTINGS: Mapping[str, tuple[str, str | None]] = {
    "max_download": ("max_download_bytes", "NBRUCIO_MAX_DOWNLOAD"),
    "keep_free": ("keep_free_bytes", "NBRUCIO_KEEP_FREE"),
    "max_store": ("max_store_bytes", None),
    "evict": ("evict", None),
    "parallel": ("parallel", None),
    "offline": ("offline", "NBRUCIO_SAFE"),
    "traces": ("traces", None),
    "allow_unverifiable": ("allow_unverifiable", None),
    "connect_timeout": ("connect_timeout_s", None),
    "read_timeout": ("read_timeout_s", None),
    "fixed_instances": ("fixed_instances", None),
    "prefer_rses": ("prefer_rses", None),
    "avoid_rses": ("avoid_rses", None),
    "downloads": ("downloads", None),
    "max_stage_lifetime": ("max_stage_lifetime_s", None),
    "upload_rses": ("upload_rses", None),
    "stage_rses": ("stage_rses", None),
    "default_access": ("default_access", None),
    "max_session": ("max_session_bytes", None),
    "on_open": ("on_open", None),
    "open_budget": ("open_budget_bytes", None),
    "reason": ("reason", None),
}
#: Settings of the operator within which users can only be stricter.
_BOUNDS = (
    "max_download",
    "max_session",
    "max_store",
    "keep_free",
    "parallel",
    "max_stage_lifetime",
    "upload_rses",
    "stage_rses",
    "on_open",
    "open_budget",
    "reason",
)


class _PolicySettings(NamedTuple):
    max_download: int | None
    keep_free: int | None
    max_store: int | None
    evict: bool | None
    offline: bool
    parallel: int | None
    connect_timeout_s: float | None
    read_timeout_s: float | None
    traces: bool | None
    allow_unverifiable: bool | None
    fixed_instances: bool
    prefer_rses: tuple[str, ...]
    avoid_rses: tuple[str, ...]
    downloads: bool | None
    max_stage_lifetime_s: int | None
    upload_rses: tuple[str, ...] | None
    stage_rses: tuple[str, ...] | None
    default_access: str | None
    max_session: int | None
    on_open: str | None
    open_budget: int | None
    reason: str | None

    @classmethod
    def of(cls, table: Table) -> _PolicySettings:
        return cls(
            table.size("max_download"),
            table.size("keep_free"),
            table.size("max_store"),
            table.flag("evict"),
            table.flag("offline") or False,
            table.count("parallel", least=1),
            table.seconds("connect_timeout"),
            table.seconds("read_timeout"),
            table.flag("traces"),
            table.flag("allow_unverifiable"),
            table.flag("fixed_instances") or False,
            table.texts("prefer_rses"),
            table.texts("avoid_rses"),
            table.flag("downloads"),
            table.lifetime("max_stage_lifetime"),
            _texts_or_none(table, "upload_rses"),
            _texts_or_none(table, "stage_rses"),
            table.choice("default_access", ACCESS_WORDS),
            table.size("max_session"),
            table.choice("on_open", OPEN_LEVELS),
            table.size("open_budget"),
            table.text("reason"),
        )


def is_bound(name: str, system: Table) -> bool:
    """Return whether the operator's file limits the setting ``name``, so that users can only be stricter."""
    if name in _BOUNDS:
        return name in system.values
    return name in _FINAL and system.flag(name) is _FINAL[name]


def policy_of(system: Table, user: Table, *, environ: Mapping[str, str]) -> Policy:
    """Return the policy in force: the user's settings within the operator's limits.

    The operator's ``max_download``, ``max_store`` and ``parallel`` are upper limits, ``keep_free`` is a lower one. The
    user cannot change the operator's ``offline``, but can change timeouts. Both can disable traces and downloads and
    forbid unverifiable files; ``upload_rses`` and ``stage_rses`` are those that both allow. ``reason`` is the
    operator's alone.

    Raises:
        BadConfig: a setting is wrong, in a file or in the environment.
    """
    operator, own, default = _PolicySettings.of(system), _PolicySettings.of(user), Policy()
    max_download = _first(_variable_size(environ, "NBRUCIO_MAX_DOWNLOAD"), own.max_download, operator.max_download)
    keep_free = _first(_variable_size(environ, "NBRUCIO_KEEP_FREE"), own.keep_free, operator.keep_free)
    unverifiable = operator.allow_unverifiable, own.allow_unverifiable
    parallel = own.parallel or operator.parallel or default.parallel
    return Policy(
        max_download_bytes=_least(max_download, operator.max_download),
        keep_free_bytes=max(default.keep_free_bytes if keep_free is None else keep_free, operator.keep_free or 0),
        max_store_bytes=_least(own.max_store, operator.max_store),
        evict=bool(operator.evict if own.evict is None else own.evict),
        offline=operator.offline or own.offline or _variable_flag(environ, "NBRUCIO_SAFE"),
        parallel=min(parallel, operator.parallel or parallel),
        connect_timeout_s=own.connect_timeout_s or operator.connect_timeout_s or default.connect_timeout_s,
        read_timeout_s=own.read_timeout_s or operator.read_timeout_s or default.read_timeout_s,
        allow_unverifiable=True in unverifiable and False not in unverifiable,
        traces=False not in (operator.traces, own.traces),
        fixed_instances=operator.fixed_instances,
        prefer_rses=own.prefer_rses or operator.prefer_rses,
        avoid_rses=tuple(dict.fromkeys(operator.avoid_rses + own.avoid_rses)),
        downloads=False not in (operator.downloads, own.downloads),
        max_stage_lifetime_s=_least(own.max_stage_lifetime_s, operator.max_stage_lifetime_s),
        upload_rses=_both(operator.upload_rses, own.upload_rses),
        stage_rses=_both(operator.stage_rses, own.stage_rses),
        default_access=own.default_access or operator.default_access,
        max_session_bytes=_least(own.max_session, operator.max_session),
        on_open=min(filter(None, (own.on_open, operator.on_open)), key=OPEN_LEVELS.index, default=None),
        open_budget_bytes=_least(own.open_budget, operator.open_budget),
        limit=LimitOrigin(
            by_site=_is_operators(operator.max_download, max_download),
            session_by_site=_is_operators(operator.max_session, own.max_session),
            reason=operator.reason,
        ),
    )


def within_session(policy: Policy, left_bytes: int) -> Policy:
    """Return ``policy`` with the rest of ``max_session`` as the download limit, if that is less."""
    if policy.max_download_bytes is not None and policy.max_download_bytes <= left_bytes:
        return policy
    origin = policy.limit._replace(by_site=policy.limit.session_by_site, session_bytes=policy.max_session_bytes)
    return policy._replace(max_download_bytes=left_bytes, limit=origin)


def _is_operators(operators: int | None, chosen: int | None) -> bool:
    """Return whether the operator's limit is the one in force."""
    return operators is not None and (chosen is None or operators <= chosen)


def _least(*sizes: int | None) -> int | None:
    return min((size for size in sizes if size is not None), default=None)


def _texts_or_none(table: Table, name: str) -> tuple[str, ...] | None:
    texts = table.texts(name)
    return texts if name in table.values else None


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(name for name in one if name in other)


def _first(*sizes: int | None) -> int | None:
    return next((size for size in sizes if size is not None), None)


def _variable_size(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name)
    if not text:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise BadConfig(
            f"The environment variable {name} ({printable(text)}) {error}.", subject=name, hint=_CORRECT_VARIABLE
        ) from error


def _variable_flag(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in _ON + _OFF:
        raise BadConfig(
            f"The environment variable {name} ({printable(text)}) must be 1 or 0.", subject=name, hint=_CORRECT_VARIABLE
        )
    return text in _ON
