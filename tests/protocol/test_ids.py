import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.ids import EPOCH_MS, MAX_ID, MAX_NODE, Id, IdMint, minted_at_ms, parse_id

nodes = st.integers(0, MAX_NODE)
# 2026 to 2095: what 41 bits of milliseconds hold.
moments = st.integers(EPOCH_MS, EPOCH_MS + 2**41 - 1)
foreign_digits = st.characters(categories=["Nd", "Nl", "No"]).filter(lambda c: not c.isascii())


@given(nodes, st.lists(moments, min_size=2, max_size=50))
def test_ids_grow_whatever_the_clock_does(node: int, clock: list[int]) -> None:
    mint = IdMint(node)
    ids = [mint.mint(now) for now in clock]
    assert ids == sorted(set(ids))


def test_more_ids_than_the_counter_holds_run_into_the_next_millisecond() -> None:
    mint = IdMint(5)
    ids = [mint.mint(EPOCH_MS + 1) for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert minted_at_ms(ids[-1]) == EPOCH_MS + 3  # 4096 a millisecond


def test_a_clock_that_steps_back_is_ridden_out() -> None:
    mint = IdMint(0)
    before = mint.mint(EPOCH_MS + 60_000)
    after = mint.mint(EPOCH_MS + 1_000)
    assert after == before + 1
    assert minted_at_ms(mint.mint(EPOCH_MS + 60_001)) == EPOCH_MS + 60_001


def test_a_clock_before_the_epoch_still_gives_ids() -> None:
    assert IdMint(0).mint(0) > 0


@given(nodes, nodes, st.lists(moments, max_size=20))
def test_nodes_never_make_the_same_id(a: int, b: int, clock: list[int]) -> None:
    if a == b:
        return
    first, second = IdMint(a), IdMint(b)
    assert not {first.mint(now) for now in clock} & {second.mint(now) for now in clock}


@given(nodes, moments)
def test_an_id_tells_when_it_was_minted(node: int, now: int) -> None:
    identifier = IdMint(node).mint(now)
    assert minted_at_ms(identifier) == now
    assert 0 < identifier <= MAX_ID


@pytest.mark.parametrize("node", [-1, MAX_NODE + 1])
def test_node_numbers_have_bounds(node: int) -> None:
    with pytest.raises(ValueError, match="0 to 1023"):
        IdMint(node)


@given(st.integers(1, MAX_ID))
def test_ids_survive_being_written_and_read(value: int) -> None:
    assert parse_id(str(Id(value))) == value
    assert type(parse_id(str(Id(value)))) is Id


@given(st.text())
@example("")
@example("0")
@example("00")
@example("01")
@example("+1")
@example("-1")
@example(" 1")
@example("1\n")
@example("1_000")
@example("1.0")
@example("0x10")
@example(str(MAX_ID + 1))
@example("9" * 20)
@example("1" * 100_000)
def test_an_id_has_one_spelling(text: str) -> None:
    try:
        parsed = parse_id(text)
    except ValueError:
        return
    assert str(parsed) == text
    assert 0 < parsed <= MAX_ID


@given(foreign_digits)
@example("\u00b2")
@example("\u0663")
@example("\uff11")
def test_digits_of_other_scripts_are_refused(digit: str) -> None:
    assert unicodedata.category(digit).startswith("N")
    with pytest.raises(ValueError, match="decimal"):
        parse_id(f"4{digit}")


def test_an_id_is_an_int_that_prints_its_digits() -> None:
    assert f"{Id(42)}" == "42"
    assert {Id(42): 1}[42] == 1  # type: ignore[index]
