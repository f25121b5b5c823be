"""Profiles: what stacks add up to, how they are drawn, and that the server is seen."""

import itertools
import json
import os
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.profile import Options, profile, write
from loadtest.profiling import recorder
from loadtest.profiling.flame_graph import Box, boxes, draw
from loadtest.profiling.recorder import NotRecorded, parse_script, record_c, record_python
from loadtest.profiling.stacks import (
    Cost,
    Stacks,
    busy,
    by_function,
    costs,
    fold,
    inside,
    parse,
    speedscope,
)
from loadtest.profiling.table import Effort, table

SAMPLED = """\
run (server/loop.py:10);data_received (server/gateway.py:20);<genexpr> (rooms/hub.py:3) 4
run (server/loop.py:10);data_received (server/gateway.py:21) 1
run (server/loop.py:10);flush (rooms/fanout.py:7);write;0x7f49be84524a (libc.so.6) 3
run (server/loop.py:11) 2
run (server/loop.py:10);epoll_wait (libc.so.6) 90
"""

names = st.text(st.characters(categories=("L", "N"), include_characters="._<>() &/:"), min_size=1)
stacks_of_all_kinds = st.dictionaries(
    st.lists(names.map(lambda name: f"f{name}".strip()), min_size=1, max_size=6).map(tuple),
    st.integers(1, 50),
    max_size=20,
).map(Counter)


@given(stacks_of_all_kinds)
def test_what_is_folded_is_read_back(stacks: Stacks) -> None:
    assert parse(fold(stacks)) == stacks


def test_waiting_costs_nothing() -> None:
    stacks = parse(SAMPLED)
    assert busy(stacks).total() == stacks.total() - 90


def test_lines_of_a_function_are_one_and_unknown_frames_are_their_caller_s() -> None:
    functions = by_function(busy(parse(SAMPLED)))
    run, received = "run (server/loop.py)", "data_received (server/gateway.py)"
    assert functions == {
        (run, received, "<genexpr> (rooms/hub.py)"): 4,
        (run, received): 1,
        (run, "flush (rooms/fanout.py)", "write"): 3,
        (run,): 2,
    }


def test_what_is_outside_is_left_out() -> None:
    stacks = parse("main;serve (a.py:1);run (b.py:2);read 3\nstart;serve (a.py:2);run 1\nother 2")
    assert inside(stacks, "serve (a.py") == parse(
        "serve (a.py:1);run (b.py:2);read 3\nserve (a.py:2);run 1\nother 2"
    )


def test_costs() -> None:
    found = costs(by_function(busy(parse(SAMPLED))))
    assert found == [
        Cost("<genexpr> (rooms/hub.py)", 4, 4),
        Cost("write", 3, 3),
        Cost("run (server/loop.py)", 2, 10),
        Cost("data_received (server/gateway.py)", 1, 5),
        Cost("flush (rooms/fanout.py)", 0, 3),
    ]


def test_one_that_calls_itself_counts_once() -> None:
    assert costs(parse("a;b;a;b 5")) == [Cost("b", 5, 5), Cost("a", 0, 5)]


@given(stacks_of_all_kinds)
def test_every_sample_is_somebody_s_own(stacks: Stacks) -> None:
    found = costs(stacks)
    assert sum(cost.own for cost in found) == stacks.total()
    assert all(cost.own <= cost.total <= stacks.total() for cost in found)


def test_the_table_has_the_largest_first() -> None:
    effort = Effort(seconds=10, cpu=5, rate=100_000, unit="delivered")
    lines = table("A room", by_function(busy(parse(SAMPLED))), effort).splitlines()
    assert lines[0] == "A room: 10 samples on CPU in 10 s, 50% of a core"
    assert lines[1] == "100,000 delivered a second, 5.00 us of CPU time for each"
    own, total = (number for number, line in enumerate(lines) if line.endswith(("itself", "calls")))
    assert lines[own + 1].split() == [
        *("40.0%", "2.000", "40.0%", "2.000", "<genexpr>", "(rooms/hub.py)")
    ]
    assert lines[total + 1].split() == [
        *("20.0%", "1.000", "100.0%", "5.000", "run", "(server/loop.py)")
    ]


def test_boxes_merge_what_begins_alike() -> None:
    assert boxes(parse("a;b 2\na;b;c 3\na;d 1\ne 4")) == [
        Box("a", 0, 6, 0),
        Box("e", 6, 4, 0),
        Box("b", 0, 5, 1),
        Box("d", 5, 1, 1),
        Box("c", 2, 3, 2),
    ]


@given(stacks_of_all_kinds)
def test_a_row_is_never_wider_than_the_one_below(stacks: Stacks) -> None:
    found = boxes(stacks)
    depths = Counter[int]()
    for box in found:
        depths[box.depth] += box.samples
    assert depths[0] == stacks.total()
    assert all(depths[depth + 1] <= depths[depth] for depth in depths)
    for before, after in itertools.pairwise(found):
        assert before.depth < after.depth or before.start + before.samples <= after.start


@given(stacks_of_all_kinds)
def test_the_picture_is_an_svg_with_all_that_can_be_seen(stacks: Stacks) -> None:
    root = ET.fromstring(draw("<Title> & more", stacks))
    titles = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert len(titles) == len(boxes(stacks))
    assert all("samples" in title for title in titles)


@given(stacks_of_all_kinds)
def test_speedscope_has_the_same_stacks(stacks: Stacks) -> None:
    file = speedscope("name", stacks)
    frames = [frame["name"] for frame in file["shared"]["frames"]]
    (found,) = file["profiles"]
    assert found["endValue"] == sum(found["weights"]) == stacks.total()
    assert {
        tuple(frames[number] for number in sample): weight
        for sample, weight in zip(found["samples"], found["weights"], strict=True)
    } == stacks


def test_perf_s_listing_is_folded() -> None:
    listing = """\
plaza
\tffffffff81a3 tcp_sendmsg+0x27 ([kernel.kallsyms])
\tffffffff8100 __sys_sendto ([guest.kernel.kallsyms])
\t    7f49bef0 send (/usr/lib/libc.so.6)
\t    7f49be73 [unknown] ([unknown])

postgres
\t  100f7e ExecInsert (/opt/postgres/bin/postgres)

plaza
"""
    assert parse_script(listing) == {
        ("plaza", "send (libc.so.6)", "__sys_sendto (kernel)", "tcp_sendmsg (kernel)"): 1,
        ("postgres", "ExecInsert (postgres)"): 1,
        ("plaza",): 1,
    }


def test_the_files_are_written(tmp_path: Path) -> None:
    effort = Effort(seconds=1, cpu=0.5, rate=10, unit="message")
    text = write("chat", "Pairs", parse(SAMPLED), effort, tmp_path)
    assert (tmp_path / "chat.txt").read_text() == text
    assert parse((tmp_path / "chat.folded").read_text()) == busy(parse(SAMPLED))
    assert json.loads((tmp_path / "chat.speedscope.json").read_bytes())["name"] == "Pairs"
    assert "data_received (server/gateway.py)" in (tmp_path / "chat.svg").read_text()


def fake(folder: Path, words: str) -> Path:
    """A tool that fails with these words."""
    tool = folder / "tool"
    tool.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    tool.chmod(0o755)
    return tool


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Error: Permission Denied: Try running again with elevated permissions", "ptrace_scope=0"),
        ("Error: Failed to find python interpreter", "ended with 1: Error: Failed to find"),
    ],
)
async def test_why_py_spy_saw_nothing(
    words: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_PY_SPY", fake(tmp_path, words))
    with pytest.raises(NotRecorded, match=said):
        await record_python(1, seconds=1, rate=100, native=False)


async def test_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_PY_SPY", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotRecorded, match="make setup"):
        await record_python(1, seconds=1, rate=100, native=False)
    with pytest.raises(NotRecorded, match="apt-get install"):
        await record_c([1], tmp_path, seconds=1, rate=100)


@pytest.mark.soak
async def test_the_server_s_functions_are_found(tmp_path: Path) -> None:
    (text,) = await profile("fanout", Options(seconds=2, folder=tmp_path))
    assert "flush (rooms/fanout.py)" in text
    assert "server/outbox.py" in text
    assert "delivered a second" in text
    assert set(os.listdir(tmp_path)) == {
        *("fanout.svg", "fanout.txt", "fanout.folded", "fanout.speedscope.json")
    }
