"""Add data to a notebook: the DIDs that a person means, and suggestions for misspelt ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nbrucio.catalogue.rucio import Catalogues
from nbrucio.config import Config, Instance
from nbrucio.core.declaration import Declaration
from nbrucio.core.did import Did
from nbrucio.core.events import Reporter
from nbrucio.core.files import DidFacts
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.core.requirement import Requirement, already_declared, propose_handle
from nbrucio.core.scope_rule import ScopeRule
from nbrucio.core.selection import Selection
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration, DidNotFound, NbrucioError, UsageError
from nbrucio.notebook.declared import read_declared
from nbrucio.notebook.schema_errors import declaration_warnings
from nbrucio.operations.edit import Edit, lock_and_write, write
from nbrucio.pipeline.resolve import ResolveOptions

#: Largest number of DIDs that one pattern adds.
MAX_MATCHES = 200
_MAX_SUGGESTED_FROM = 2_000


class Wish(NamedTuple):
    """Settings of the added requirements.

    Attributes:
        handle: handle of a single DID; None means one derived from the DID's name.
        instance: name of a configured instance; None means the default one.
        select: the wanted files; None means all.
        access: see `nbrucio.core.requirement.Requirement`.
        variant: the variant that has the selection; None means the requirement itself.
        offline: declare without checking that the DIDs exist; `lock` can do that later.
    """

    handle: str | None = None
    instance: str | None = None
    select: Selection | None = None
    access: str | None = None
    variant: str | None = None
    offline: bool = False


_PLAIN = Wish()


def rule_of(config: Config, instance: str | None) -> ScopeRule:
    """Return how users of this instance write DIDs; None means the default instance, if there is one."""
    if instance is None and config.default is None:
        return ScopeRule()
    return config.instance(instance).scope_rule


def matches(config: Config, scope: str, pattern: str, instance: str | None) -> list[DidFacts]:
    """Return the datasets and containers that match, else the files; ``*`` is for anything.

    Raises:
        DidNotFound: nothing matches.
        UsageError: more than `MAX_MATCHES` match.
        NbrucioError: the catalogue cannot answer.
    """
    chosen, written = config.instance(instance), f"{scope}:{pattern}"
    catalogues = Catalogues(config)
    try:
        catalogue = catalogues.open(chosen.name)
        for kind in ("collection", "file"):
            found = list(islice(catalogue.search(scope, pattern, kind), MAX_MATCHES + 1))
            if found:
                break
    finally:
        catalogues.close()
    if not found:
        raise DidNotFound(
            f"No DID in {chosen.name} matches {printable(written)}.",
            subject=written,
            hint="Check the pattern, for example with a shorter beginning.",
        )
    if len(found) > MAX_MATCHES:
        raise UsageError(
            f"{printable(written)} matches more than {MAX_MATCHES} DIDs.",
            subject=written,
            hint="Write more of the name.",
        )
    return found


def undeclared(path: Path, dids: Sequence[Did], config: Config, wish: Wish) -> tuple[list[Did], dict[Did, str]]:
    """Return those of ``dids`` that the notebook at ``path`` does not declare, and the others with their handles.

    Raises:
        NbrucioError: the notebook cannot be read.
    """
    wanted = config.instance(wish.instance)
    present = {
        requirement.did: requirement.handle
        for requirement in read_declared(path).declaration.requirements
        if requirement.select == wish.select and config.means(requirement.instance, wanted)
    }
    return [did for did in dids if did not in present], {did: present[did] for did in dids if did in present}


def add(
    path: Path,
    dids: Sequence[Did],
    config: Config,
    *,
    wish: Wish = _PLAIN,
    reporter: Reporter | None = None,
) -> Edit:
    """Declare ``dids`` in the notebook at ``path``, lock them, and write it; all of them or none.

    With a variant, its selection is written; a DID that is declared already keeps its requirement.

    Raises:
        NbrucioError: the notebook cannot be edited, a handle or DID is declared already, or a DID does not exist.
    """
    if wish.handle is not None and len(dids) > 1:
        raise BadDeclaration("One handle cannot name several DIDs.", hint="Add them one by one.")
    if wish.variant is not None and wish.select is None:
        raise BadDeclaration("A variant selects files.", hint="Use --variant with --match, --first or --max-bytes.")
    declared = read_declared(path)
    declaration, fresh = declared.declaration, []
    chosen = config.instance(wish.instance) if wish.instance is not None else None
    for did in dids:
        requirement = _declared_already(declaration, did, chosen or config.default, config, wish)
        if requirement is None:
            requirement = _requirement(declaration, did, chosen, config, wish)
            declaration = declaration.with_requirement(requirement)
            fresh.append(requirement)
        if wish.variant is not None and wish.select is not None:
            declaration = _with_variant(declaration, wish.variant, requirement.handle, wish.select)
    if wish.offline or not fresh:
        identity = chosen.identity if chosen else ""
        added = tuple(ResolvedRequirement(requirement, identity) for requirement in fresh)
        changed = write(declared, declaration)
        return Edit(declared.path, added, changed, warnings=declaration_warnings(declaration.as_json()))
    anew = ResolveOptions(refresh=True)
    try:
        return lock_and_write(declared, declaration, config, fresh, anew, reporter, whole=True)
    except DidNotFound as error:
        raise _with_suggestions(error, config, chosen) from error


def _requirement(
    declaration: Declaration, did: Did, chosen: Instance | None, config: Config, wish: Wish
) -> Requirement:
    taken = {requirement.handle for requirement in declaration.requirements}
    value: dict[str, object] = {"did": str(did), "handle": wish.handle or propose_handle(did, taken)}
    if chosen is not None:
        value["instance"] = config.written(chosen)
    if wish.select is not None and wish.variant is None:
        value["select"] = wish.select.as_json()
    if wish.access is not None:
        value["access"] = wish.access
    return Requirement.parse(value)


def _declared_already(
    declaration: Declaration, did: Did, wanted: Instance | None, config: Config, wish: Wish
) -> Requirement | None:
    """Return the requirement to which a variant is added; None for a DID that is not declared.

    Of several requirements of the DID it is that with the handle of ``wish``, else that with all files.

    Raises:
        BadDeclaration: the DID is declared with the same selection, by any name of its instance.
    """
    declared = [
        present
        for present in declaration.requirements
        if present.did == did and wanted and config.means(present.instance, wanted)
    ]
    if wish.variant is None:
        same = next((present for present in declared if present.select == wish.select), None)
        if same is not None:
            raise already_declared(same)
        return None
    named = [present for present in declared if wish.handle in (None, present.handle)]
    whole = (present for present in named if present.select is None)
    return next(whole, named[0] if len(named) == 1 else None)


def _with_variant(declaration: Declaration, variant: str, handle: str, select: Selection) -> Declaration:
    variants = declaration.variants
    chosen = variants.get(variant, {})
    if not isinstance(chosen, Mapping):
        raise BadDeclaration("The variants in the notebook cannot be read.", hint="Correct 'variants' in its metadata.")
    changed = {**variants, variant: {**chosen, handle: select.as_json()}}
    return declaration._replace(extra={**declaration.extra, "variants": changed})


def _with_suggestions(error: DidNotFound, config: Config, instance: Instance | None) -> DidNotFound:
    """Return ``error`` with the DIDs whose spelling is close to that of its subject, as far as Rucio says."""
    close: list[str] = []
    catalogues = Catalogues(config)
    try:
        did = Did.parse(error.subject or "")
        catalogue = catalogues.open(config.instance(instance.name if instance else None).name)
        scopes = catalogue.browser().scopes()
        for scope in [did.scope] if did.scope in scopes else get_close_matches(did.scope, scopes, 2):
            names = islice(catalogue.search(scope, f"{did.name[:2]}*", "all"), _MAX_SUGGESTED_FROM)
            by_name = {facts.did.name: facts.did for facts in names}
            close += [str(by_name[name]) for name in get_close_matches(did.name, list(by_name), 3)]
    except NbrucioError:  # the DID does not exist all the same
        return error
    finally:
        catalogues.close()
    hint = f"Did you mean {' or '.join(close)}?" if close else error.hint
    return DidNotFound(error.message, subject=error.subject, hint=hint, next_command=error.next_command)
