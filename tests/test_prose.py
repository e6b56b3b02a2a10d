"""Sentences are counted as a reader counts them."""

from __future__ import annotations

import pytest

from tests import prose

PAGE = """\
# A heading of five words

The first sentence has `a code --span with. Dots` in it. The second
goes over two lines, e.g. so: [a link](codes.md#causes), **bold** words!

```console
$ bulkagent runs
No sentence. At all.
```

- An item. With two sentences.
- Another without an end
  that goes on

| option | default | |
| --- | --- | --- |
| `--rate N/s\\|none` | 100/s | Starts a second. None lifts it. |

![A picture. Of nothing.](picture.png)
<!-- A comment. -->
"""


def test_a_page_has_the_sentences_that_a_reader_sees() -> None:
    assert [(each.text, each.whole) for each in prose.of_page(PAGE)] == [
        ("The first sentence has `a code --span with. Dots` in it.", True),
        ("The second goes over two lines, e.g. so: a link, bold words!", True),
        ("An item.", True),
        ("With two sentences.", True),
        ("Another without an end that goes on", False),
        ("option", False),
        ("default", False),
        ("`--rate N/s|none`", False),
        ("100/s", False),
        ("Starts a second.", True),
        ("None lifts it.", True),
    ]


def test_words_are_counted_a_code_span_as_one() -> None:
    assert prose.count("The `a b c` is - at 5 %, ...") == 5


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("At 10.5 s it ends. Then comes `resume`.", 2),
        ("It says (see below). (So it does.)", 2),
        ("A file, i.e. a roster. `apply` reads it.", 2),
        ('retcode "0." is odd', 1),
        ("Why? Because!", 2),
        ("It ends. bulkagent says so.", 2),
    ],
)
def test_a_sentence_ends_where_the_next_begins(text: str, many: int) -> None:
    assert len(prose.of_text(text)) == many


def test_an_entry_of_a_docstring_stands_for_itself() -> None:
    found = prose.of_docstring("""Does a thing.

    More of it.

    Raises:
        Refused: It cannot be
            done.
        Interrupted: A signal came.
    """)
    assert [each.text for each in found] == [
        *("Does a thing.", "More of it."),
        *("Refused: It cannot be done.", "Interrupted: A signal came."),
    ]


def test_the_worst_are_shown_first() -> None:
    found = prose.of_text("One. One two. One two three.", "here")
    assert prose.worst(found, 2) == "3 words, here: One two three.\n2 words, here: One two."
    assert prose.average(found) == 2
    with pytest.raises(AssertionError, match="36 words: word word"):
        prose.hold(prose.of_text("word " * 36))
    with pytest.raises(AssertionError, match=r"21\.0 words on average"):
        prose.hold(prose.of_text("word " * 21 + "."))


def test_words_that_are_out_are_named_with_what_stands_for_them() -> None:
    assert prose.out("After a switch-over, whoever\nis on the last screen.") == [
        "'switch-over': say failover",
        "'last screen': say summary",
        "'whoever': say a noun: the agent who, the person who",
    ]
    assert not prose.out("The option `--resend-after-switchover` and\n```sh\nwhoever\n```\n")


@pytest.mark.parametrize(
    ("sentence", "one"),
    [
        ("An agent who is missing may be signed out.", True),
        ("Who is missing may be signed out.", False),
        ("What is not given is as it was.", False),
        ("Who is missing?", True),
        ("It failed; what is left is sent again.", False),
        ("It failed; resume the run.", True),
        ("It failed; wait; resume the run.", False),
    ],
)
def test_a_sentence_with_a_noun_and_one_semicolon_is_one_rule(sentence: str, one: bool) -> None:
    assert prose.is_one_rule(sentence) is one
