"""A DID from a parameter of the notebook: ``"did": {"parameter": "dataset", "default": "scope:name"}``.

The parameter's value is compared and parsed as text, never evaluated. If a notebook has choices, only one of them is
accepted. Versions that do not know this form reject only that requirement.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from nbrucio.core.did import Did
from nbrucio.core.text import printable
from nbrucio.errors import BadDeclaration, BadDid, ParameterNeeded

_KEYS = {"parameter", "choices", "default"}
_SHOWN_CHOICES = 8


class Parameter(NamedTuple):
    """A requirement's reference to a parameter of the notebook.

    Attributes:
        name: the parameter's name in the cell tagged ``parameters``.
        choices: DIDs by value; None if the value is the DID itself.
        default: the value if none is given; None if one is required.
        extra: unknown keys, which are preserved.
    """

    name: str
    choices: Mapping[str, Did] | None = None
    default: str | None = None
    extra: Mapping[str, object] = MappingProxyType({})

    @classmethod
    def parse(cls, value: Mapping[object, object]) -> Parameter:
        """Parse an object in place of a DID.

        Raises:
            BadDeclaration: a key is missing or has the wrong type, or the default is not among the choices.
            BadDid: a choice or the default is not a DID.
        """
        name, choices, default = value.get("parameter"), value.get("choices"), value.get("default")
        if not isinstance(name, str) or not name.isidentifier():
            raise BadDeclaration("'did' is an object, and its 'parameter' must be the name of a parameter")
        if choices is not None and (not isinstance(choices, Mapping) or not choices):
            raise BadDeclaration(f"the 'choices' of the parameter '{name}' must be an object that maps values to DIDs")
        if default is not None and not isinstance(default, str):
            raise BadDeclaration(f"the 'default' of the parameter '{name}' must be a string")
        parsed = None if choices is None else {str(key): Did.parse(str(did)) for key, did in choices.items()}
        extra = {str(key): kept for key, kept in value.items() if key not in _KEYS}
        parameter = cls(name, parsed, default, extra)
        if default is not None:
            parameter.did({})
        return parameter

    def as_json(self) -> dict[str, object]:
        """Return the object from which `parse` makes this parameter."""
        value: dict[str, object] = {"parameter": self.name}
        if self.choices is not None:
            value["choices"] = {key: str(did) for key, did in self.choices.items()}
        if self.default is not None:
            value["default"] = self.default
        return value | dict(self.extra)

    def did(self, values: Mapping[str, object]) -> Did:
        """Return the DID for these parameter values.

        Raises:
            ParameterNeeded: there is neither a value nor a default.
            BadDeclaration: the value is not a string or not one of the choices.
            BadDid: the value is not a DID.
        """
        given = values.get(self.name, self.default)
        if given is None:
            raise ParameterNeeded(
                f"the parameter '{self.name}' has no value and no default", subject=self.name, hint=self._hint()
            )
        if isinstance(given, bool) or not isinstance(given, str | int):
            raise BadDeclaration(f"the parameter '{self.name}' must be a string", subject=self.name, hint=self._hint())
        if self.choices is None:
            return self._parsed(str(given))
        chosen = self.choices.get(str(given))
        if chosen is None:
            raise BadDeclaration(
                f"the parameter '{self.name}' is {printable(str(given), 40)}, which is not one of its choices",
                subject=self.name,
                hint=self._hint(),
            )
        return chosen

    def _parsed(self, text: str) -> Did:
        try:
            return Did.parse(text)
        except BadDid as error:
            raise BadDid(f"the parameter '{self.name}': {error.message}", subject=self.name, hint=error.hint) from error

    def _hint(self) -> str:
        if self.choices is None:
            return f"Pass it when you run the notebook: -p {self.name} scope:name."
        shown = ", ".join(list(self.choices)[:_SHOWN_CHOICES]) + (", …" if len(self.choices) > _SHOWN_CHOICES else "")
        return f"Pass -p {self.name} with one of: {shown}."


def check_parameter_name(name: str) -> str:
    """Return ``name`` if a parameter can have it.

    Raises:
        BadDeclaration: it is not a Python identifier.
    """
    if name.isidentifier():
        return name
    raise BadDeclaration(
        f"{printable(name, 40)} is not the name of a parameter.",
        subject=name,
        hint="Write a Python identifier, as in the cell tagged 'parameters'.",
    )


def variant_name(value: object, values: Mapping[str, object]) -> str | None:
    """Return the name of the variant that ``variant`` selects for these parameter values.

    Args:
        value: the value of ``variant``, ``{"parameter": "size", "default": "dev"}``; None without one.

    Returns:
        None for the requirements as they are declared.

    Raises:
        BadDeclaration: ``variant`` has another form, or its parameter's value is not a string.
    """
    if value is None:
        return None
    name = value.get("parameter") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(name, str) or not name.isidentifier():
        raise BadDeclaration(
            "The notebook's 'variant' must be an object, and its 'parameter' the name of a parameter.",
            hint="Correct 'variant' under the key 'nbrucio' in the notebook's metadata.",
        )
    given = values.get(name, value.get("default"))
    if given is None or isinstance(given, str):
        return given
    raise BadDeclaration(
        f"The parameter '{name}' must be a string.",
        subject=name,
        hint=f"Pass it when you run the notebook: -p {name} VARIANT.",
    )
