"""rooms/search.py: the query language, and what is shown as found."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BAD_REQUEST, PlazaError
from protocol.records import Fragment
from rooms.search import MAX_TERMS, WINDOW, Choice, Query, Term, fragments, parse


def day(number: int) -> datetime:
    return datetime(2026, 11, number, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("steam engine", Query(terms=(Term("steam"), Term("engine")))),
        ('"steam engine"', Query(terms=(Term("steam engine", quoted=True),))),
        ('"steam eng', Query(terms=(Term("steam eng", quoted=True),))),  # still being typed
        ("“steam engine”", Query(terms=(Term("steam engine", quoted=True),))),  # by a phone
        ("«steam engine»", Query(terms=(Term("steam engine", quoted=True),))),
        ('loom"steam engine"', Query(terms=(Term("loom"), Term("steam engine", quoted=True)))),
        ("loom -steam", Query(terms=(Term("loom"), Term("steam", negated=True)))),
        (
            'loom -"steam engine"',
            Query(terms=(Term("loom"), Term("steam engine", quoted=True, negated=True))),
        ),
        ("a - b ... !", Query(terms=(Term("a"), Term("b")))),
        ("cafe\u0301", Query(terms=(Term("café"),))),
        ("from:ada", Query(senders=(Choice("ada"),))),
        ("FROM:@Ada -from:bob", Query(senders=(Choice("@Ada"), Choice("bob", negated=True)))),
        ("in:118055399902412800", Query(rooms=(Choice("118055399902412800"),))),
        ("in:#engines", Query(rooms=(Choice("#engines"),))),
        ('in:"Steam  engines"', Query(rooms=(Choice("Steam engines"),))),
        ("before:2026-11-01", Query(before=day(1))),
        ("after:2026-11-01", Query(after=day(2))),
        (
            "before:2026-11-01T18:30:00Z",
            Query(before=datetime(2026, 11, 1, 18, 30, tzinfo=UTC)),
        ),
        (
            "after:2026-11-01T18:30:05.5+02:00",
            Query(after=datetime(2026, 11, 1, 16, 30, 5, 500_000, tzinfo=UTC)),
        ),
        # Of several bounds the narrowest.
        ("before:2026-11-09 before:2026-11-03", Query(before=day(3))),
        ("after:2026-11-01 after:2026-11-04", Query(after=day(5))),
        # What is no filter is text.
        ("has:link", Query(terms=(Term("has:link"),))),
        ("from: ada", Query(terms=(Term("from:"), Term("ada")))),
        ("https://example.org", Query(terms=(Term("https://example.org"),))),
        ("before lunch", Query(terms=(Term("before"), Term("lunch")))),
        ("now or never", Query(terms=(Term("now"), Term("or"), Term("never")))),
    ],
)
def test_a_query(text: str, query: Query) -> None:
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a word at least"),
        ('  ! "" -', "a word at least"),
        ("before:yesterday", "2026-11-01"),
        ("before:2026-02-30", "2026-11-01"),
        ("after:2026-11-01T25:00Z", "2026-11-01"),
        ("after:9999-12-31", "2026-11-01"),
        ('after:""', "2026-11-01"),
        ("before:0001-01-01T00:00:00+14:00", "2026-11-01"),
        ("-before:2026-11-01", "after:"),
        ("-after:2026-11-01", "before:"),
        ("a " * (MAX_TERMS + 1), "at most 20"),
        ("from:ada " * (MAX_TERMS + 1), "at most 20"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlazaError) as refused:
        parse(text)
    assert refused.value.spec is BAD_REQUEST
    assert says in refused.value.message


PIECES = st.sampled_from(
    ["from:", "in:", "before:", "after:", "-", '"', "“", " ", "#", "@", "ada", "Engine", "ßé",
     "上海", "2026-11-01", "T18:30Z", "2026-11-01T18:30:00.25+02:00", "\u0301", "x" * 120]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
def test_any_text_is_a_query_or_refused_and_can_be_typed_again(text: str) -> None:
    try:
        query = parse(text)
    except PlazaError:
        return
    assert parse(str(query)) == query
    assert all(term.words for term in query.terms)


def shown(body: str, text: str) -> str | None:
    """What is shown of a body, matches in brackets."""
    found = fragments(body, parse(text).terms)
    if found is None:
        return None
    return "".join(f"[{piece.text}]" if piece.match else piece.text for piece in found)


@pytest.mark.parametrize(
    ("body", "text", "expected"),
    [
        ("The steam engine.", "engine", "The steam [engine]."),
        ("The steam engine.", "ENGINE the", "[The] steam [engine]."),
        ("The steam engine.", '"steam engine"', "The [steam engine]."),
        ("The steam engine.", '"engine steam"', None),
        ("The steam, engine.", '"steam engine"', "The [steam, engine]."),
        # The beginning of a word finds it, unless it is quoted or very short.
        ("Zebracrossings", "zebra", "[Zebracrossings]"),
        ("Zebracrossings", '"zebra"', None),
        ("It is an item.", "it", "[It] is an item."),
        ("Zebracrossings", "crossing", None),
        # A word with separators is a phrase, of which the last may go on.
        ("see sess.crate_types", "crate_typ", "see sess.[crate_types]"),
        ("types of crate", "crate_typ", None),
        ("at www.foobarbaz.example", "foobar", "at www.[foobarbaz].example"),
        ("「我家在上海东边。」", "上海", "「我家在[上海]东边。」"),
        ("Ein Café in Ärmelkanal", "cafe arm", "Ein [Café] in [Ärmelkanal]"),
        ("done 🎉🎉", "🎉", "done [🎉🎉]"),
        ("a loom and a steam engine", "loom -steam", None),
        ("a loom and an engine", "loom -steam", "a [loom] and an engine"),
        ("a steam loom", '-"steam engine"', "a steam loom"),
        ("steam steam engine", 'steam "steam engine"', "[steam] [steam engine]"),
        ("<b>bold</b>", "bold", "<b>[bold]</b>"),
        ("", "-steam", ""),
    ],
)
def test_what_is_shown(body: str, text: str, expected: str | None) -> None:
    assert shown(body, text) == expected


def test_of_a_long_body_the_part_around_the_first_match() -> None:
    body = "word " * 400 + "here is the needle in it " + "hay " * 400
    found = fragments(body, parse("needle").terms)
    assert found is not None
    assert found[1] == Fragment(text="needle", match=True)
    assert found[0].text.startswith("…")
    assert found[0].text.endswith(" word here is the ")
    assert found[2].text.startswith(" in it hay ")
    assert found[2].text.endswith("…")
    assert sum(len(piece.text) for piece in found) <= WINDOW + 2


def test_a_match_at_the_end_of_a_long_body_is_shown() -> None:
    found = fragments("word " * 400 + "needle", parse("needle").terms)
    assert found is not None
    assert found[-1] == Fragment(text="needle", match=True)
    assert sum(len(piece.text) for piece in found) > WINDOW // 2


BODIES = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["needle", "hay ", " ", "é", "上", "x" * 90, "\n", "🎉 "]), max_size=60
    ).map("".join),
)


@given(BODIES, st.sampled_from(["needle", '"hay needle"', "hay x", "上", "-needle", "xxx 🎉"]))
def test_fragments_are_the_body_or_a_part_of_it(body: str, text: str) -> None:
    body = unicodedata.normalize("NFC", body)
    found = fragments(body, parse(text).terms)
    if found is None:
        return
    whole = "".join(piece.text for piece in found)
    if len(body) <= WINDOW:
        assert whole == body
    else:
        assert whole.removeprefix("…").removesuffix("…") in body
        assert len(whole) < 2 * WINDOW
    assert all(piece.text for piece in found)
    if not text.startswith("-"):
        assert any(piece.match for piece in found)
