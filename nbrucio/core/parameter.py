"""A DID that is chosen when the notebook is run: ``"did": {"parameter": "dataset", "default": "scope:name"}``.

Pure. The value that was passed in is compared and parsed as text, never evaluated, and a notebook that offers choices
can only ever mean one of them. Readers that do not know the form find no DID in it and refuse that one requirement.
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
    """How a requirement takes its DID from a parameter of the notebook.

    Attributes:
        name: of the parameter, as the cell tagged ``parameters`` has it.
        choices: by value, the DIDs to choose from; None when the value is the DID itself.
        default: the value where none is given; None when one must be.
        extra: keys that this version does not know, kept as they are.
    """

    name: str
    choices: Mapping[str, Did] | None = None
    default: str | None = None
    extra: Mapping[str, object] = MappingProxyType({})

    @classmethod
    def parse(cls, value: Mapping[object, object]) -> Parameter:
        """The parameter that an object in place of a DID writes.

        Raises:
            BadDeclaration: a key is missing or has the wrong type, or the default is not among the choices.
            BadDid: a choice or the default is no DID.
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
        """The object that parses back to this."""
        value: dict[str, object] = {"parameter": self.name}
        if self.choices is not None:
            value["choices"] = {key: str(did) for key, did in self.choices.items()}
        if self.default is not None:
            value["default"] = self.default
        return value | dict(self.extra)

    def did(self, values: Mapping[str, object]) -> Did:
        """The DID that is meant when the notebook runs with these parameters.

        Raises:
            ParameterNeeded: there is neither a value nor a default.
            BadDeclaration: the value is not among the choices, or no text.
            BadDid: the value is no DID.
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


def variant_name(value: object, values: Mapping[str, object]) -> str | None:
    """The variant that a declaration's ``variant`` means when the notebook runs with these parameters.

    Args:
        value: as written, ``{"parameter": "size", "default": "dev"}``; None where the declaration has none.

    Returns:
        None for the requirements as they are declared.

    Raises:
        BadDeclaration: ``variant`` has another form, or its parameter's value is no text.
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
