"""What in a text is a hashtag, and when two are the same."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.hashtags import MAX_TAG, MAX_TAGS, fold, fold_tag, hashtags

# What is in hashtags, what changes when it is folded, and what separates.
ALPHABET = "#＃_ab1Zßſéﬁ½ﷺªΣς\u0301\u0345\u200c\u200dनमस् İıẞ/&."
PIECES = st.text(st.sampled_from(ALPHABET), max_size=30)
TEXTS = PIECES | st.text()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Good #Morning, #morning #MORNING!", ("morning",)),
        ("#a#b ##c x#d /#e &#39; https://example.org/#f", ("a",)),
        ("(#yes) #no-no “#quoted” #under_score", ("yes", "no", "quoted", "under_score")),
        ("#2024 #1_000 #___ #2024goals", ("2024goals",)),
        ("#café #CAFE\u0301 #ｃａｆé ＃Straße #STRASSE", ("café", "strasse")),
        ("#नमस्ते #สวัสดี #می\u200cخواهم #東京", ("नमस्ते", "สวัสดี", "میخواهم", "東京")),
        ("#İstanbul", ("i\u0307stanbul",)),
        ("# #", ()),
        ("no hashtag", ()),
    ],
)
def test_hashtags_of_a_text(text, found):
    assert hashtags(text) == found


def test_those_that_are_too_long_or_too_many_are_text():
    assert hashtags(f"#{'a' * MAX_TAG} #{'b' * (MAX_TAG + 1)} #c") == ("a" * MAX_TAG, "c")
    assert len(hashtags(" ".join(f"#tag{number}" for number in range(100)))) == MAX_TAGS


@given(TEXTS)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_folding_any_character_twice_changes_nothing():
    for code in range(sys.maxunicode + 1):
        folded = fold(chr(code))
        assert fold(folded) == folded


@given(TEXTS)
def test_what_is_found_is_found_again_however_it_is_written(text):
    found = hashtags(text)
    assert hashtags(fold(text)) == found
    for tag in found:
        assert 1 <= len(tag) <= MAX_TAG
        assert fold_tag(tag) == fold_tag(f"#{tag}") == tag
        assert hashtags(f"#{tag}") == (tag,)
    assert hashtags(" ".join(f"#{tag}" for tag in found)) == found


@pytest.mark.parametrize("name", ["", "#", "12", "a b", "a-b", "##a", "a#b", "a" * (MAX_TAG + 1)])
def test_what_is_no_hashtag(name):
    assert fold_tag(name) is None
