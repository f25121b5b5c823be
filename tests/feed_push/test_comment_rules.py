"""feed_push/comment_rules.py: what a comment may be, and who may change one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.comment_rules import MAX_COMMENT, Standing, clean_comment, may_delete, may_edit
from protocol.errors import BAD_REQUEST, FORBIDDEN, PlazaError
from protocol.ids import Id

ADA, BOB, EVE = Id(1), Id(2), Id(3)


@given(st.text(max_size=40))
def test_what_is_stored_is_clean_or_refused(text: str) -> None:
    try:
        content = clean_comment(text)
    except PlazaError:
        return
    assert content == clean_comment(content)
    assert unicodedata.is_normalized("NFC", content)
    assert not any(unicodedata.category(c) == "Cc" and c not in "\t\n" for c in content)
    assert content.encode()


@pytest.mark.parametrize(
    "text", ["", " \n\t", "a\x00b", "a\x7f", "a\x85", "a\rb", "\ud800", "x" * (MAX_COMMENT + 1)]
)
def test_refused(text: str) -> None:
    with pytest.raises(PlazaError) as refusal:
        clean_comment(text)
    assert refusal.value.spec is BAD_REQUEST


def test_the_length_is_that_after_normalisation() -> None:
    assert clean_comment("e\u0301" * MAX_COMMENT) == "é" * MAX_COMMENT
    assert clean_comment("one\r\n\ttwo") == "one\n\ttwo"


@pytest.mark.parametrize(
    ("viewer", "moderator", "edits", "deletes"),
    [
        (ADA, False, True, True),  # the comment's author
        (BOB, False, False, True),  # the post's
        (EVE, False, False, False),
        (EVE, True, False, True),
    ],
)
def test_who_may(viewer: Id, moderator: bool, edits: bool, deletes: bool) -> None:
    standing = Standing(viewer=viewer, author=ADA, host=BOB, moderator=moderator)
    for rule, allowed in ((may_edit, edits), (may_delete, deletes)):
        if allowed:
            rule(standing)
        else:
            with pytest.raises(PlazaError) as refusal:
                rule(standing)
            assert refusal.value.spec is FORBIDDEN
