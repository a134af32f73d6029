"""A plan as lines: whatever it says, and whoever named its roles, no line is wider than there is room."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bouncer.test_model import PLANS
from tests.widgets.given import HOSTILE
from tui.bouncer.model import Plan, Pool
from tui.text import cells
from tui.widgets.plan_lines import answer_content, numbers_content


@settings(max_examples=40)
@given(PLANS, st.integers(76, 120))
def test_no_line_is_wider_than_there_is_room(plan: Plan, width: int) -> None:
    for shown in (answer_content(plan, width), numbers_content(plan, width)):
        assert all(cells(line) <= width for line in shown.plain.split("\n"))


def test_names_of_others_cannot_write_to_the_terminal() -> None:
    plan = Plan(
        HOSTILE,
        (HOSTILE,),
        True,
        (HOSTILE,),
        (),
        "session",
        100,
        5,
        (Pool(HOSTILE, HOSTILE, 5),),
        (),
        (),
        (),
        "ceiling",
    )
    shown = answer_content(plan, 78).plain
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]" in shown  # as text
