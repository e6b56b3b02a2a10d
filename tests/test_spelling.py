"""What was probably meant: the nearest of the known words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.text.spelling import did_you_mean, nearest, within

KNOWN = ("rate", "burst", "concurrency", "max_attempts")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("ratte", "rate"), ("RATE", "rate"), ("max-attempt", "max_attempts"), ("qqqq", ""), ("", "")],
)
def test_the_nearest_word_is_found_whatever_its_case_and_dashes(word: str, meant: str) -> None:
    assert nearest(word, KNOWN) == meant
    assert did_you_mean(nearest(word, KNOWN)) == (f"; did you mean {meant}?" if meant else "")


@given(st.text("abcd", min_size=3, max_size=8), st.data())
def test_two_changes_are_within_two_letters(word: str, data: st.DataObject) -> None:
    changed = word
    for _ in range(2):
        at = data.draw(st.integers(0, len(changed) - 1))
        letter = data.draw(st.sampled_from("abcx"))
        kind = data.draw(st.sampled_from(["in", "out", "other", "swap"]))
        match kind:
            case "in":
                changed = changed[:at] + letter + changed[at:]
            case "out" if len(changed) > 1:
                changed = changed[:at] + changed[at + 1 :]
            case "other":
                changed = changed[:at] + letter + changed[at + 1 :]
            case _:
                changed = changed[:at] + changed[at : at + 2][::-1] + changed[at + 2 :]
    # Swaps of what was put in between count as more; a letter apart is never told as further.
    assert within(changed, [word], 4) == word
    assert within(word, [word, changed], 2) == word


@pytest.mark.parametrize(
    ("word", "found"), [("rat", "rate"), ("arte", "rate"), ("ratings", ""), ("grates", "rate")]
)
def test_three_letters_apart_is_another_word(word: str, found: str) -> None:
    assert within(word, KNOWN, 2) == found
