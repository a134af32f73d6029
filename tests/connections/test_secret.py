"""A secret does not get out by the ways in which values usually do."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
import traceback

import pytest

from tui.connections.secret import Secret

PLANTED = "hunter2-planted"


def test_it_reveals_itself_only_when_asked() -> None:
    secret = Secret(PLANTED)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret, pprint.pformat([secret])]  # noqa: UP031
    assert PLANTED not in "".join(shown)
    assert secret.reveal() == PLANTED


def test_it_is_not_pickled_nor_copied_into_json() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(PLANTED))
    with pytest.raises(TypeError) as caught:
        json.dumps({"password": Secret(PLANTED)})
    assert PLANTED not in str(caught.value)
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(PLANTED))
    assert not hasattr(Secret(PLANTED), "__dict__")


def test_a_traceback_with_locals_does_not_show_it() -> None:
    def fails(secret: Secret) -> None:
        raise RuntimeError(secret)

    try:
        fails(Secret(PLANTED))
    except RuntimeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "Secret(…)" in shown
    assert PLANTED not in shown


def test_a_log_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("connecting with %s", Secret(PLANTED))
    assert PLANTED not in caplog.text


def test_secrets_compare_and_tell_whether_they_are_empty() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
