import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.names import USERNAME, fold_username, mentioned_names

ALLOWED = string.ascii_lowercase + string.digits + "_"
usernames = st.text(ALLOWED, min_size=3, max_size=30)


@given(usernames)
def test_a_username_is_its_own_stored_form(name: str) -> None:
    assert fold_username(name) == name
    assert fold_username(f" {name.upper()}\t") == name


@given(st.text())
def test_whatever_is_accepted_has_the_stored_form(text: str) -> None:
    try:
        folded = fold_username(text)
    except ValueError:
        return
    assert USERNAME.fullmatch(folded)
    assert fold_username(folded) == folded


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 31,
        "a b c",
        "a-b",
        "naïve",
        "\u0430da",  # a Cyrillic a
        "ada\n\nx",
        "ada\0",
        "\uff11\uff12\uff13",  # full-width digits
        "\u017fam",  # a long s
        "\u212aurt",  # the Kelvin sign, whose lower case is k
    ],
)
def test_what_is_no_username(name: str) -> None:
    with pytest.raises(ValueError, match="3 to 30"):
        fold_username(name)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("hi @bob", ("bob",)),
        ("@Bob, @ada! (@bob) @BOB", ("bob", "ada")),
        ("@bob's boat", ("bob",)),
        ("line\n@bob", ("bob",)),
        ("👍@bob", ("bob",)),
        ("mail bob@example.org", ()),
        ("see example.@bob or a@@bob", ()),
        ("@bo", ()),
        (f"@{'a' * 30}", ("a" * 30,)),
        (f"@{'a' * 31}", ()),
        ("@ bob", ()),
        ("@", ()),
        ("", ()),
    ],
)
def test_mentions(body: str, names: tuple[str, ...]) -> None:
    assert mentioned_names(body) == names


@given(st.text())
def test_mentions_are_usernames_each_once(body: str) -> None:
    names = mentioned_names(body)
    assert len(set(names)) == len(names)
    assert all(fold_username(name) == name for name in names)


@given(st.lists(usernames, unique=True, max_size=8))
def test_every_mention_is_found_in_order(names: list[str]) -> None:
    body = ", ".join(f"@{name}" for name in names)
    assert mentioned_names(body) == tuple(names)


def test_mentions_have_a_limit() -> None:
    body = " ".join(f"@name_{number}" for number in range(60))
    assert len(mentioned_names(body)) == 50
    assert mentioned_names(body, 2) == ("name_0", "name_1")
