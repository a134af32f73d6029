"""A finding: what one check saw, in words, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `message` and `fix` are plain sentences or statements; texts of a server are in them raw.

    `code` is the SQLSTATE or errno name where there is one, `milliseconds` how long the check took.
    """

    check: str
    status: Status
    message: str
    fix: str = ""
    detail: str = ""
    code: str = ""
    milliseconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the finding's JSON shape; fix, detail and code only where they say something."""
        optional = {"fix": self.fix, "detail": self.detail, "code": self.code}
        return {
            "check": self.check,
            "status": self.status,
            "message": self.message,
            **{key: value for key, value in optional.items() if value},
            "milliseconds": round(self.milliseconds, 1),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the finding that `to_json` made `value` of; keys that this version does not know are left out."""
        return cls(**{name: value[name] for name in cls.__slots__ if name in value})
