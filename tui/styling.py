"""Finds the style sheets, which lie beside the package in a checkout and inside it in an installed wheel."""

from pathlib import Path, PurePath

_HERE = Path(__file__).resolve().parent


def sheet(name: str) -> str:
    """Return the absolute path of ``styles/<name>.tcss``, as Textual's CSS_PATH wants it.

    Raises FileNotFoundError where the installation lacks it.
    """
    # The checkout comes second: an editable install can hold a stale copy, but only outside of this folder.
    for folder in (_HERE / "styles", _HERE.parent / "styles"):
        path = folder / f"{name}.tcss"
        if path.is_file():
            return str(path)
    raise FileNotFoundError(f"the style sheet {name}.tcss is missing: install pgconns again")


def sheets(*names: str) -> list[str | PurePath]:
    """Return the paths of several style sheets; later ones win."""
    return [sheet(name) for name in names]
