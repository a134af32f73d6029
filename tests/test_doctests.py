"""The examples in docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import tui

_ROOT = Path(tui.__file__).parent
_WITH_EXAMPLES = sorted(
    ".".join(("tui", *path.relative_to(_ROOT).with_suffix("").parts))
    for path in _ROOT.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", _WITH_EXAMPLES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0
