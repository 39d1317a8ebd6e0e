"""The faults of a declaration by its JSON Schema, each with its place.

Unknown keys have no effect and are kept; most of them are misspelt.

The schema cannot say that two requirements have one handle, or that a default is not one of the choices. The
declaration's own reader finds these. The two agree on everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MappingProxyType

from nbrucio.core.declaration import Declaration, DeclarationFault
from nbrucio.core.did import Did
from nbrucio.core.parameter import check_parameter_name
from nbrucio.core.requirement import check_handle
from nbrucio.core.schema import SchemaFault, schema_faults
from nbrucio.disk.libraries import unusable_library
from nbrucio.errors import BadDeclaration, MissingDependency, NbrucioError, ParameterNeeded
from nbrucio.notebook.base import KEY

_FORMATS = MappingProxyType({"did": Did.parse, "handle": check_handle, "identifier": check_parameter_name})


def declaration_faults(value: object) -> tuple[SchemaFault, ...]:
    """Return the faults of ``value``, a notebook's ``nbrucio`` metadata; empty for None, a notebook without it.

    The reader refuses the part with a fault, unless `SchemaFault.allowed` says that it is an unknown key.

    Raises:
        MissingDependency: jsonschema cannot be loaded.
    """
    try:
        return () if value is None else schema_faults(value, "declaration-1", root=KEY, formats=_FORMATS)
    except ImportError as error:
        raise unusable_library(error, "jsonschema", "Declarations cannot be checked") from error


def as_error(fault: SchemaFault) -> BadDeclaration:
    """Return the error for a fault of a declaration; its subject is the path of the fault."""
    return BadDeclaration(f"In the notebook's metadata, {fault.message}", subject=fault.path, hint=fault.hint)


def reader_errors(declaration: Declaration, found: Iterable[SchemaFault]) -> Iterator[BadDeclaration]:
    """Yield the reader's errors of requirements in which the schema ``found`` no fault.

    A parameter without a value is not an error: it gets its value when the notebook runs.
    """
    told = {fault.parts[:2] for fault in found if not fault.allowed}
    for number, entry in enumerate(declaration.entries):
        if not isinstance(entry, DeclarationFault) or ("requirements", number) in told:
            continue
        if not isinstance(entry.error, ParameterNeeded):
            yield entry.error


def declaration_warnings(value: object) -> tuple[NbrucioError, ...]:
    """Return everything that is wrong with a declaration, for an edit that leaves it as it is.

    Where jsonschema is missing, that is one of the errors.
    """
    declaration = Declaration.parse(value)
    try:
        found = declaration_faults(value)
    except MissingDependency as error:
        return (error, *reader_errors(declaration, ()))
    return (*map(as_error, found), *reader_errors(declaration, found))
