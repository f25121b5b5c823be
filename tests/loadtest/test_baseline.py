"""Reports become the generated blocks of docs/performance.md; what is missing stays as it is."""

import re
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest import baseline, figures
from loadtest.baseline import BLOCKS, DOCUMENT, rewrite
from loadtest.baseline_budgets import PROMISES, judged
from loadtest.baseline_reports import PEERS, Reports, found_in
from loadtest.baseline_tables import KEY
from loadtest.figures import Budget, Figure, environment
from loadtest.report import model
from loadtest.scenarios.file import load, questions, variants
from loadtest.threshold import judge, parse

ROOT = Path(__file__).parent.parent.parent
CHAT, SLOW, IDLE = (
    "how-fast-is-durable-chat",
    "does-a-slow-reader-hurt-others",
    "how-many-idle-connections",
)

DOC = "\n".join(f"<!-- generated: {name} -->\nold\n<!-- end -->" for name in BLOCKS) + "\nKept.\n"


def figure(name: str, unit: str, *samples: float, budget: Budget | None = None) -> Figure:
    return Figure(name=name, unit=unit, samples=list(samples), budget=budget)


def run(name: str, *found: Figure, rules: tuple[str, ...] = ()) -> model.Report:
    values = {one.name: one.median for one in found}
    return model.Report(
        question=questions().get(name, name),
        name=name,
        command=f"plaza loadtest run {name} --repeat 3 --json a.json --html b.html --quiet",
        began="2026-01-01T00:00:00Z",
        seconds=9.0,
        environment=environment(),
        figures=list(found),
        judgements=judge(rules, values, "budget"),
        answer=["It was fast."],
    )


CHAT_RUN = run(
    CHAT,
    figure("50 pairs: acknowledged.rate", "/s", 9e3, 11e3, 10e3, budget=Budget("at least", 12e3)),
    figure("50 pairs: ack.p99", "ms", 20.0, 22.0, 21.0, budget=Budget("at most", 25)),
    figure("50 pairs: ack.p50", "ms", 5.0, 5.0, 5.0),
    figure("room of 50: acknowledged.rate", "/s", 4e3, 5e3, 6e3),
    figure("room of 50: delivered.rate", "/s", 3e5, budget=Budget("at least", 2e5)),
    figure("room of 50: bytes", "", 1.0),
)
SLOW_RULE = "one does not read: delivery.p99 <= 1.2 x all read: delivery.p99"
SLOW_RUN = run(
    SLOW,
    figure("all read: delivery.p99", "ms", 4.0, 2.0),
    figure("one does not read: delivery.p99", "ms", 5.0, 4.0),
    rules=(SLOW_RULE,),
)
PEERS_RUN = replace(
    run(
        PEERS,
        figure("plaza: server.growth", "KiB", 10.0),
        figure("nchan: server.growth", "KiB", 5.0),
        figure("plaza / nchan: server.growth", "x", 2.0),
        figure("plaza, 1 at once: server.us_per_delivery", "us", 8.0, 9.0, 10.0),
        figure("nchan, 1 at once: server.us_per_delivery", "us", 2.0, 3.0, 4.0),
        figure("plaza / nchan, 1 at once: server.us_per_delivery", "x", 4.0, 3.0, 2.5),
        figure("plaza, flat out: delivered.rate", "/s", 1e5),
        figure("nchan, flat out: delivered.rate", "/s", 4e5),
        figure("plaza / nchan, flat out: delivered.times", "x", 0.25),
    ),
    server={"plaza": "0.1.0", "nchan": "1.3", "nats": "not installed. apt-get install it."},
)
FANOUT = figures.Report(
    question="How much for a delivery?",
    environment=environment(),
    figures=[
        figure("hub, 1 at once", "us CPU a delivery", 3.0, 1.0, 2.0),
        figure("hub, 1 at once", "x uWebSockets", 1.3, 1.2, budget=Budget("at most", 1.15)),
        figure("header", "us CPU", 1.0, budget=Budget("at most", 1.5)),
    ],
)
REPORTS = Reports(
    runs={CHAT: CHAT_RUN, SLOW: SLOW_RUN, PEERS: PEERS_RUN}, benchmarks={"parts-fanout": FANOUT}
)


def block(document: str, name: str) -> str:
    found = re.search(f"<!-- generated: {name} -->\n(.*?)<!-- end -->", document, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_budget_has_a_row_with_everything() -> None:
    budgets = block(rewrite(DOC, REPORTS), "budgets")
    command = f"`plaza loadtest run {CHAT} --repeat 3`"
    assert (
        "| 50 pairs, 2 in flight: messages acknowledged | at least 12,000 | 10,000 | "
        f"9,000 to 11,000 | /s | missed by 17% |  | {command} |"
    ) in budgets
    assert "| at least 200,000 | 300,000 |  | /s | holds | nchan 0.25 |" in budgets
    assert (
        "| at most 1.15 | 1.25 | 1.2 to 1.3 | x uWebSockets | missed by 9% | nchan 3 | "
        "`python -m tests.benchmarks.fanout` |"
    ) in budgets


def test_what_was_not_measured_says_so_and_has_the_command() -> None:
    row = f"| memory of an idle connection in three rooms, of 1,000 |  | not measured |  |  |  |  | `plaza loadtest run {IDLE}` |"  # noqa: E501 - a row
    assert row in block(rewrite(DOC, REPORTS), "budgets")


def test_budgets_that_are_not_promised_follow() -> None:
    others = block(rewrite(DOC, REPORTS), "others")
    assert "| header | at most 1.5 | 1 |" in others
    assert "hub, 1 at once" not in others, "it is promised"
    assert (
        "| one does not read: delivery.p99 / all read: delivery.p99 | at most 1.2 | 1.62 | "
        "1.25 to 2 | x | missed by 35% |"
    ) in others


def test_a_question_has_its_key_figures_its_command_and_its_answer() -> None:
    found = block(rewrite(DOC, REPORTS), "questions")
    assert f"### {CHAT_RUN.question}\n\n`plaza loadtest run {CHAT} --repeat 3`" in found
    assert "It was fast." in found
    assert (
        "|  | Acknowledged, /s | Delivered, /s | Acknowledgement p50, ms | "
        "Acknowledgement p99, ms |"
    ) in found
    assert "| 50 pairs | 10,000 ±10% |  | 5 | 21 ±5% |" in found
    assert "| room of 50 | 5,000 ±20% | 300,000 |  |  |" in found
    assert "MiB" not in found, "not among the key figures"


def test_peers_are_columns_and_what_plaza_takes_by_them_stands_below() -> None:
    found = block(rewrite(DOC, REPORTS), "peers")
    assert "nats: not installed. apt-get install it." in found
    assert "| Server CPU per delivery, µs | plaza | nchan |" in found
    assert "| 1 at once | 9 ±11% | 3 ±33% |\n| Plaza by it |  | 3 ±33% |" in found
    assert "| flat out | 100,000 | 400,000 |\n| Plaza by it |  | 0.25 |" in found
    assert "| Memory per user, KiB | plaza | nchan |" in found


def test_benchmarks_have_all_their_figures() -> None:
    found = block(rewrite(DOC, REPORTS), "parts")
    assert "### `python -m tests.benchmarks.fanout`\n\nHow much for a delivery?" in found
    assert "| hub, 1 at once | 2 | 1 to 3 | us CPU a delivery |  |  |" in found


def test_what_is_missing_stays_as_it_is() -> None:
    written = rewrite(DOC, REPORTS)
    assert "Kept." in written
    assert "\nold\n" not in written
    assert rewrite(written, REPORTS) == written
    assert rewrite(written, Reports()) == written
    for name, report in REPORTS.runs.items():
        alone = rewrite(written, Reports(runs={name: report}))
        assert sorted(alone.splitlines()) == sorted(written.splitlines())


def test_what_is_new_takes_the_place_of_what_was() -> None:
    written = rewrite(DOC, REPORTS)
    faster = figure("50 pairs: acknowledged.rate", "/s", 15e3, budget=Budget("at least", 12e3))
    again = rewrite(written, Reports(runs={CHAT: replace(CHAT_RUN, figures=[faster])}))
    assert "| at least 12,000 | 15,000 |  | /s | holds |" in block(again, "budgets")
    assert "10,000" not in block(again, "questions")
    assert block(again, "parts") == block(written, "parts")


def test_what_is_missing_or_small_is_named(tmp_path: Path) -> None:
    model.write(tmp_path / f"{CHAT}.json", CHAT_RUN)
    model.write(tmp_path / f"{SLOW}.json", replace(SLOW_RUN, command=f"{SLOW_RUN.command} --small"))
    (tmp_path / "inbound.json").write_text("no report")
    found = found_in(tmp_path)
    assert set(found.runs) == {CHAT}
    assert not found.benchmarks
    assert any(f"{SLOW}.json is of a --small run" in problem for problem in found.problems)
    assert any("inbound.json cannot be read" in problem for problem in found.problems)
    assert any(f"{IDLE}.json is missing" in problem for problem in found.problems)
    assert set(found_in(tmp_path, small=True).runs) == {CHAT, SLOW}


def test_the_program_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "performance.md"
    document.write_text(DOC)
    monkeypatch.setattr(baseline, "DOCUMENT", document)
    monkeypatch.setattr(sys, "argv", ["baseline", str(tmp_path)])
    assert baseline.main() == 1
    assert document.read_text() == DOC
    model.write(tmp_path / f"{CHAT}.json", CHAT_RUN)
    assert baseline.main() == 0
    assert "missed by 17%" in document.read_text()
    assert "peers.json is missing" in capsys.readouterr().err


def test_the_document_has_the_blocks() -> None:
    text = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    for name in BLOCKS:
        assert f"<!-- generated: {name} -->" in text


def test_every_question_says_what_is_key() -> None:
    assert set(KEY) == set(questions())


@pytest.mark.parametrize(
    "promise", [one for one in PROMISES if one.report in questions()], ids=lambda one: one.what
)
def test_what_is_promised_is_a_budget_of_its_question(promise) -> None:  # type: ignore[no-untyped-def]
    scenario = load(promise.report)
    assert promise.figure in {parse(rule).figure for rule in scenario.budgets}
    assert promise.figure.rpartition(": ")[0] in {name for name, _ in variants(scenario)}


def test_the_ratio_of_a_budget_is_of_each_repetition() -> None:
    (ratio,) = judged(REPORTS, SLOW).values()
    assert ratio.samples == [1.25, 2.0]
    assert ratio.budget == Budget("at most", 1.2)
