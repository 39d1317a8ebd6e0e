"""One instance in the words of rucio-jupyterlab's ``RucioConfig``, and the same in ours.

The keys are those of ``rucio_jupyterlab/config/schema.py`` of rucio-jupyterlab 41.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: Our name of a setting, and rucio-jupyterlab's.
_KEYS = {
    "host": "rucio_base_url",
    "auth_host": "rucio_auth_url",
    "webui": "rucio_webui_url",
    "ca_cert": "rucio_ca_cert",
    "vo": "vo",
    "token_env": "oidc_env_name",
    "token_file": "oidc_file_name",
}
#: The keys besides `_KEYS` that mean something here.
_OTHERS = (
    "name",
    "display_name",
    "mode",
    "replication_rule_lifetime_days",
    "destination_rse",
    "rse_mount_path",
    "path_begins_at",
    "oidc_auth",
    "$url",
    "cache_expires_at",
)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a configuration file contains
    """Return ``value``, which traitlets wraps where a Python file appends to it instead of setting it."""
    wrapped = getattr(value, "get_value", None)
    return wrapped([]) if callable(wrapped) else value


def names_of(row: Mapping[str, object]) -> Iterator[str]:
    """Yield the names of an instance in lower case, the best short name first; a name may be a URL."""
    for key in ("name", "display_name", "rucio_base_url"):
        text = text_of(row.get(key))
        if text:
            yield text.lower()


def unused(row: Mapping[str, object]) -> tuple[str, ...]:
    """Return the keys that mean nothing here, such as ``voms_enabled``."""
    return tuple(key for key in row if key not in _KEYS.values() and key not in _OTHERS)


def settings_of(
    row: Mapping[str, object], aliases: Iterable[object], auth_type: str | None
) -> dict[str, tuple[object, str]]:
    """Return the settings of an instance, each with the key that it has in ``row``.

    Args:
        row: an instance of ``RucioConfig``, in which numbers may be texts.
        aliases: further names of the instance; URLs among them are left out, as they name it anyway.
        auth_type: the kind of login of all instances without a token; ``x509_proxy`` when None.
    """
    by_token = text_of(row.get("oidc_auth"))
    unread = {"env": "token_file", "file": "token_env"}.get(by_token or "")
    values: dict[str, tuple[object, str]] = {
        ours: (row[theirs], theirs)
        for ours, theirs in _KEYS.items()
        if row.get(theirs) and ours != unread and (by_token or not ours.startswith("token_"))
    }
    values["aliases"] = ([alias for alias in aliases if not str(alias).startswith("http")], "rucio_base_url")
    chosen = (auth_type, "default_auth_type") if auth_type else ("x509_proxy", "rucio_base_url")
    values["auth_type"] = ("oidc", "oidc_auth") if by_token else chosen
    if (text_of(row.get("mode")) or "").lower() == "replica":
        values["downloads"] = (False, "mode")
    days = _number(row.get("replication_rule_lifetime_days"))
    if days:
        values["rule_lifetime"] = (f"{days}d", "replication_rule_lifetime_days")
    mount = mount_of(row.get("destination_rse"), row.get("rse_mount_path"), row.get("path_begins_at"))
    if mount:
        values["mounts"] = ([mount], "destination_rse")
    return values


def mount_of(rse: object, path: object, begins_at: object) -> dict[str, object] | None:
    """Return the mounted RSE; None without one."""
    if not text_of(rse) or not text_of(path):
        return None
    number = _number(begins_at)
    # A wrong number stays as it is, so that the mount has a fault: 0 in its place would give wrong paths.
    wrong = begins_at not in (None, "") and number is None
    return {"rse": rse, "path": path, "begins_at": begins_at if wrong else number or 0}


def text_of(value: object) -> str | None:
    """Return a text without surrounding space; None for an empty one and for other values."""
    return value.strip() or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    """Return a whole number of at least 0, also as text: the environment has no others."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if number >= 0 else None
