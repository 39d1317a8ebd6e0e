"""Checks of the RSE, the scope, and the dataset with its rule before an upload. Runs in the worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from nbrucio.catalogue.rules import UPLOAD_COMMENT
from nbrucio.config import Instance
from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import Unavailable, UsageError
from nbrucio.operations.upload.faults import UploadErrors


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


class UploadDataset:
    """The dataset of an upload, created with its rule just before the first file needs it.

    Rucio never frees the name of a DID, so an upload without a single good file must not leave an empty dataset.

    Args:
        client: a ``rucio.client.Client``.
        did, rse: the dataset, and the RSE of its rule.
        lifetime_s: lifetime of that rule in seconds; None for no expiry.
        own_scope: whether its scope is one of the user's own.
        errors: translates errors.
        notice: receives what the user should know.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401
        did: Did,
        rse: str,
        lifetime_s: int | None,
        own_scope: bool,
        errors: UploadErrors,
        notice: Callable[[str], None],
    ) -> None:
        self.did = did
        self._client = client
        self._rse = rse
        self._lifetime_s = lifetime_s
        self._own_scope = own_scope
        self._errors = errors
        self._notice = notice
        self._ready = False

    def exists(self) -> bool:
        """Return whether the dataset exists.

        Raises:
            UsageError: the DID exists and is not an open dataset.
        """
        from rucio.common.exception import DataIdentifierNotFound

        try:
            facts = self._client.get_did(self.did.scope, self.did.name)
        except DataIdentifierNotFound:
            return False
        if facts["type"] != "DATASET":
            raise UsageError(
                f"{self.did} is a {facts['type']}, not a dataset.", subject=str(self.did), hint="Name a dataset."
            )
        if not facts["open"]:
            raise UsageError(
                f"The dataset {self.did} is closed, so no files can be added.",
                subject=str(self.did),
                hint="Choose another dataset.",
            )
        return True

    def prepare(self, file: Did) -> None:
        """Create the dataset and its rule, unless they exist, before ``file`` is sent or attached.

        Raises:
            UsageError: as `exists`.
            ConsentNeeded: the account lacks permission to create the dataset, or to add files to it.
        """
        from rucio.common.exception import DataIdentifierNotFound

        if self._ready:
            return
        if not self.exists():
            self._create()
        else:
            if not self._own_scope:
                # Rucio looks at the permission first. UploadClient attaches only after it has registered the file.
                with suppress(DataIdentifierNotFound):
                    self.attach(file)
            self._add_rule()
        self._ready = True

    def attach(self, file: Did) -> None:
        """Attach ``file``, unless it is attached.

        Raises:
            ConsentNeeded: the account lacks permission.
        """
        from rucio.common.exception import DuplicateContent, FileAlreadyExists

        with self._errors.permitted("add files to", self.did), suppress(DuplicateContent, FileAlreadyExists):
            self._client.attach_dids(self.did.scope, self.did.name, [{"scope": file.scope, "name": file.name}])

    def _create(self) -> None:
        from rucio.common.exception import DataIdentifierAlreadyExists

        rule = {"account": self._client.account, "copies": 1, "rse_expression": self._rse, "comment": UPLOAD_COMMENT}
        rules = [{**rule, "grouping": "DATASET", "lifetime": self._lifetime_s}]
        # An upload that runs at the same time may have created it meanwhile.
        with self._errors.permitted("create", self.did), suppress(DataIdentifierAlreadyExists):
            self._client.add_dataset(self.did.scope, self.did.name, rules=rules)

    def _add_rule(self) -> None:
        from rucio.common.exception import DuplicateRule

        rows = self._client.list_did_rules(self.did.scope, self.did.name)
        if any(row["rse_expression"] == self._rse for row in rows):
            if self._lifetime_s is not None:
                self._notice(f"{self.did} already exists; its lifetime was not changed.")
            return
        content = [{"scope": self.did.scope, "name": self.did.name}]
        with suppress(DuplicateRule):  # made meanwhile by an upload that runs at the same time
            self._client.add_replication_rule(
                content, 1, self._rse, grouping="DATASET", lifetime=self._lifetime_s, comment=UPLOAD_COMMENT
            )
