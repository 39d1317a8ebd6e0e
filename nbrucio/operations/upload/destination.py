"""Checks of the RSE, the scope, and the dataset with its rule before an upload. Runs in the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbrucio.catalogue.rules import UPLOAD_COMMENT
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import Unavailable, UsageError


def check_rse(client: Any, instance: Instance, rse: str) -> None:  # noqa: ANN401 - Rucio has no types
    """Check that files can be uploaded to ``rse``.

    Raises:
        UsageError: the RSE does not exist, or is non-deterministic.
        Unavailable: it is not writable now.
    """
    from rucio.common.exception import RSENotFound

    try:
        facts = client.get_rse(rse)
    except RSENotFound as error:
        raise UsageError(
            f"The RSE {printable(rse)} does not exist in {instance.name}.", subject=rse, next_command="rucio rse list"
        ) from error
    if not facts.get("availability_write", True):
        raise Unavailable(
            f"{rse} is not available for uploads now.", subject=rse, hint="Choose another RSE, or try again later."
        )
    if not facts.get("deterministic", True):
        raise UsageError(
            f"{rse} is non-deterministic; nbrucio uploads to deterministic RSEs only.",
            subject=rse,
            hint="Choose another RSE.",
        )


def check_scope(client: Any, instance: Instance, scope: str) -> bool:  # noqa: ANN401
    """Check that ``scope`` exists, and return whether it is the user's own.

    Raises:
        UsageError: it does not.
    """
    own = _own_scopes(client)
    if scope in own or scope in client.list_scopes():
        return scope in own  # the server decides about write access to another account's scope
    raise UsageError(
        f"The scope {printable(scope)} does not exist in {instance.name}.",
        subject=scope,
        hint=f"Yours: {', '.join(sorted(own)) or 'none'}.",
    )


def _own_scopes(client: Any) -> list[str]:  # noqa: ANN401
    from rucio.common.exception import RucioException

    try:
        return [str(scope) for scope in client.list_scopes_for_account(client.account)]
    except RucioException:
        return []  # Rucio raises for an account without scopes


def ensure_dataset(
    client: Any,  # noqa: ANN401
    dataset: Did,
    rse: str,
    lifetime_s: int | None,
    notice: Callable[[str], None],
) -> None:
    """Create ``dataset`` and its rule at ``rse``, unless they exist.

    Raises:
        UsageError: the DID exists and is not an open dataset.
    """
    from rucio.common.exception import DataIdentifierNotFound

    rule = {"account": client.account, "copies": 1, "rse_expression": rse, "comment": UPLOAD_COMMENT}
    try:
        facts = client.get_did(dataset.scope, dataset.name)
    except DataIdentifierNotFound:
        rules = [{**rule, "grouping": "DATASET", "lifetime": lifetime_s}]
        client.add_dataset(dataset.scope, dataset.name, rules=rules)
        return
    if facts["type"] != "DATASET":
        raise UsageError(
            f"{dataset} is a {facts['type']}, not a dataset.", subject=str(dataset), hint="Name a dataset."
        )
    if not facts["open"]:
        raise UsageError(
            f"The dataset {dataset} is closed, so no files can be added.",
            subject=str(dataset),
            hint="Choose another dataset.",
        )
    if any(row["rse_expression"] == rse for row in client.list_did_rules(dataset.scope, dataset.name)):
        if lifetime_s is not None:
            notice(f"{dataset} already exists; its lifetime was not changed.")
        return
    did = {"scope": dataset.scope, "name": dataset.name}
    client.add_replication_rule([did], 1, rse, grouping="DATASET", lifetime=lifetime_s, comment=UPLOAD_COMMENT)
