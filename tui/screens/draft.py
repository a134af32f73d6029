"""What a person has typed of a Connection so far: one frozen value that outlives every screen. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tui.connections.connectors import CONNECTORS
from tui.connections.parameters import FIELDS, defaults, read, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tui.connections.model import Parameters
    from tui.connections.secret import Secret


def _presets() -> Mapping[str, str]:
    texts = {field.name: "" if field.required else field.show(field.default) for field in FIELDS}
    return MappingProxyType({**texts, **defaults(CONNECTORS[0].key)})


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of every field, the password, and the names of the fields that a person set."""

    values: Mapping[str, str]
    password: Secret | None = None
    typed: frozenset[str] = frozenset()

    @classmethod
    def new(cls, connector: str = CONNECTORS[0].key) -> Draft:
        """Return the draft of a Connection that nobody has typed anything of."""
        return cls(_presets()).pick(connector)

    @classmethod
    def of(cls, parameters: Parameters) -> Draft:
        """Return the draft of a registered Connection, to edit it."""
        return cls(MappingProxyType(write(parameters)))

    @property
    def touched(self) -> bool:
        """Whether something would be lost with this draft."""
        return bool(self.typed) or self.password is not None

    def preset(self, **values: str) -> Draft:
        """Return the draft with these texts in the fields that nobody has set."""
        kept = {name: text for name, text in values.items() if name not in self.typed}
        return replace(self, values=MappingProxyType({**self.values, **kept}))

    def pick(self, connector: str) -> Draft:
        """Return the draft with another connector and its defaults; what a person set stays."""
        picked = self.preset(**defaults(connector))
        return replace(picked, values=MappingProxyType({**picked.values, "connector": connector}))

    def type(self, name: str, text: str) -> Draft:
        """Return the draft after a person set a field; of a connector its defaults come along."""
        if text == self.values[name]:
            return self
        draft = self.pick(text) if name == "connector" else self
        return replace(draft, values=MappingProxyType({**draft.values, name: text}), typed=self.typed | {name})

    def type_password(self, password: Secret | None) -> Draft:
        """Return the draft after a person typed a password, or removed it."""
        return replace(self, password=password or None)

    def fill(self, values: Mapping[str, str], password: Secret | None) -> Draft:
        """Return the draft after a person pasted several fields at once; presets among them count as not set."""
        presets = defaults(values.get("connector", self.values["connector"]))
        given = {name for name, text in values.items() if text != presets.get(name)}
        draft = replace(
            self,
            values=MappingProxyType({**self.values, **values}),
            typed=(self.typed - values.keys()) | given,
        )
        return draft.type_password(password) if password else draft

    def problems(self, taken: frozenset[str] = frozenset()) -> dict[str, str]:
        """Return a sentence for every field that is wrong; `taken` are the names of other Connections."""
        problems = read(self.values)[1]
        name = self.values["name"].strip()
        if name in taken:
            problems.setdefault("name", f"There is a Connection called {name} already: choose another name")
        return problems
