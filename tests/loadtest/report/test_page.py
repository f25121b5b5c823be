"""What the page is made of; how it behaves in a browser is in tests/web/test_loadtest_report.py."""

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from loadtest.figures import Budget, Figure
from loadtest.report import page
from loadtest.report.key_figures import key_measures
from loadtest.report.markup import Html, join, tag
from loadtest.report.model import Judgement, Moment, Report, Span
from loadtest.report.plots import plots
from tests.loadtest.report import samples
from tests.web.test_contrast import contrast

EVIL = "</script><script>hacked = true</script><img src=x onerror='hacked = true'>&amp;\"'"
STYLES = Path(page.__file__).parent / "page" / "report.css"


def evil() -> Report:
    """A report in which everything that can be text is an attack."""
    report = samples.killed()
    return replace(
        report,
        question=EVIL,
        name=EVIL,
        command=EVIL,
        server={EVIL: EVIL},
        scenario={"about": EVIL, EVIL: {EVIL: [EVIL]}},
        figures=[
            Figure(name=f"{EVIL}: {name}", unit=EVIL, samples=[1, 2], budget=Budget("at most", 1))
            for name in ("delivery.p99", "lost", EVIL)
        ]
        * 2,
        histograms={f"{EVIL}: {EVIL}": samples.histogram([1, 2, 3])},
        moments=[
            Moment(
                at=at,
                run=EVIL,
                rates={EVIL: 1},
                errors={EVIL: 1},
                latencies={EVIL: {"p50": 1.0}},
            )
            for at in (1.0, 2.0)
        ],
        spans=[Span(name=EVIL, begin=0, end=2)],
        judgements=[Judgement(rule=EVIL, found=1, holds=False)],
        violations=[EVIL],
        answer=[EVIL],
    )


@given(st.text(), st.text())
def test_text_stays_text(text: str, attribute: str) -> None:
    made = tag("p", text, tag("b", text), title=attribute)
    assert "<" not in made.replace("<p", "").replace("<b>", "").replace("</b>", "").replace(
        "</p>", ""
    )
    assert made.count('"') - text.count('"') * 2 == 2


def test_attributes() -> None:
    assert tag("a", "x", aria_label="y", class_="z", hidden=True, open=False, id=None) == (
        '<a aria-label="y" class="z" hidden>x</a>'
    )
    assert isinstance(join(["<", tag("i")]), Html)
    assert join(["<", tag("i")]) == "&lt;<i></i>"


@given(st.text())
def test_what_scripts_read_cannot_end_their_element(text: str) -> None:
    report = replace(samples.peers(), moments=[Moment(at=1, users=1)], spans=[])
    drawn = replace(plots(report), runs=[text + "</script><!--"])
    written = page.embedded(drawn)
    assert not set("<>&") & set(written)
    assert json.loads(written)["runs"] == [text + "</script><!--"]


def test_nothing_of_a_report_becomes_an_element() -> None:
    made = page.html(evil())
    tree = HTMLParser(made)
    # The numbers, the library, and what draws.
    assert [script.attributes.get("type") for script in tree.css("script")] == [
        "application/json",
        None,
        "module",
    ]
    assert tree.css("img") == []
    heading = tree.css_first("h1")
    assert heading is not None
    assert heading.text() == EVIL


@pytest.mark.parametrize("report", [samples.slow_reader(), samples.peers(), evil()])
def test_the_policy_allows_exactly_what_is_there(report: Report) -> None:
    tree = HTMLParser(page.html(report))
    policy = tree.css_first("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    content = str(policy.attributes["content"])
    assert content.startswith("default-src 'none'; ")
    assert "unsafe" not in content
    run = [one for one in tree.css("script") if one.attributes.get("type") != "application/json"]
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(one.text().encode()).digest()).decode()}'"
        for one in (*run, *tree.css("style"))
    }
    assert set(re.findall(r"'sha256-[^']+'", content)) == hashes


def test_nothing_is_fetched_and_no_element_has_a_style_or_a_handler() -> None:
    tree = HTMLParser(page.html(samples.slow_reader()))
    for node in tree.css("*"):
        assert "style" not in node.attributes
        assert not [name for name in node.attributes if name.startswith("on")]
        for name in ("src", "href"):
            value = node.attributes.get(name)
            assert value is None or value.startswith(("#", "data:"))
    for style in tree.css("style"):
        assert "url(" not in style.text()
        assert "@import" not in style.text()


def test_ids_are_there_once_and_links_lead_to_them() -> None:
    for report in (samples.slow_reader(), samples.killed(), samples.peers()):
        tree = HTMLParser(page.html(report))
        ids = [node.attributes["id"] for node in tree.css("[id]")]
        assert len(ids) == len(set(ids))
        assert {str(link.attributes["href"])[1:] for link in tree.css("a")} <= set(ids)


def test_the_library_brings_its_licence() -> None:
    made = page.html(samples.peers())
    assert "The MIT License (MIT)" in made
    assert "Leon Sorokin" in made


def test_the_verdict() -> None:
    text = text_of(samples.killed(), "#verdict")
    assert "It does not hold" in text
    assert "Interrupted" in text
    assert "2 of 3 thresholds broken, 1 violation" in text
    assert "no such figure" in text
    assert "2 events are missing that were acknowledged" in text
    assert "It holds" in text_of(samples.slow_reader(), "#verdict")
    assert "budget missed" in text_of(samples.slow_reader(), "#verdict")
    assert "Measured" in text_of(samples.peers(), "#verdict")


def test_faults_of_all_repetitions_count() -> None:
    report = replace(
        samples.peers(),
        figures=[
            Figure(name="a: lost", unit="", samples=[0, 0, 2]),
            Figure(name="b: lost", unit="", samples=[1, 0, 0]),
        ],
    )
    assert text_of(report, ".faults") == "lost3"


@pytest.mark.parametrize(
    ("rule", "holds", "state"),
    [
        ("b: dropped >= 1", True, "missed"),
        ("dropped <= 5", True, "missed"),
        ("b: dropped == 2", False, "fails"),
        ("a: dropped <= 5", True, "fails"),
    ],
)
def test_a_fault_that_a_threshold_lets_be_is_none(rule: str, holds: bool, state: str) -> None:
    report = replace(
        samples.peers(),
        figures=[
            Figure(name="a: dropped", unit="", samples=[0]),
            Figure(name="b: dropped", unit="", samples=[1]),
        ],
        judgements=[Judgement(rule=rule, found=1, holds=holds)],
    )
    cell = HTMLParser(page.html(report)).css_first(".faults div")
    assert cell is not None
    assert cell.attributes["data-state"] == state


def test_what_one_variant_alone_has_is_said_with_its_name() -> None:
    report = replace(
        samples.peers(),
        figures=[
            Figure(name="a: ack.p50", unit="ms", samples=[1]),
            Figure(name="b: ack.p50", unit="ms", samples=[2]),
            Figure(name="b: back.p50", unit="ms", samples=[3]),
        ],
    )
    assert text_of(report, "#bars-back-p50") == "Coming back p50 ms, less is betterb3"


def test_all_figures_with_their_samples() -> None:
    tree = HTMLParser(page.html(samples.slow_reader()))
    rows = [
        [cell.text() for cell in row.css("th, td")] for row in tree.css("#all tr") if row.css("td")
    ]
    assert len(rows) == len(samples.slow_reader().figures)
    users = next(row for row in rows if row[0] == "Users")
    assert users == ["Users", "500", "", "500", "500", "0%", "500, 500, 500", "", "", "users.max"]


def test_how_to_repeat_it() -> None:
    text = text_of(samples.slow_reader(), "#setup")
    for words in (
        "plaza loadtest run does-a-slow-reader-hurt-others --users 500 --rate 200",
        "Example Processor 3000",
        "uvloop",
        "by the harness",
        "load.users",
        '["lost <= 0", "doubled <= 0", "disordered <= 0"]',
    ):
        assert words in text
    assert "question" not in text


@pytest.mark.parametrize("sample", [[0.0], [0.0, 0.0], [-3.0, 2.0]])
def test_figures_of_nothing(sample: list[float]) -> None:
    report = replace(
        samples.peers(),
        figures=[
            Figure(name=f"{variant}: ack.p50", unit="ms", samples=sample, budget=budget)
            for variant in "ab"
            for budget in (Budget("at most", 0), Budget("at least", 0))
        ],
    )
    assert "ack.p50" in text_of(report, "#all")


def test_a_report_of_nothing(tmp_path: Path) -> None:
    report = replace(samples.peers(), figures=[], scenario={}, server={})
    page.write(tmp_path / "new" / "report.html", report)
    tree = HTMLParser((tmp_path / "new" / "report.html").read_text())
    assert [node.attributes["id"] for node in tree.css("section")] == ["verdict", "setup"]


def test_a_histogram_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="not an encoded HdrHistogram"):
        page.html(replace(samples.peers(), histograms={"delivery": "no"}))


# --- colours: WCAG 2.2, 1.4.3 and 1.4.11

GROUNDS = ("surface", "band-0", "band-1")
LINES = ("p50", "p90", "p99", "p999", "max", *"abcdefgh")
TEXT = [
    *[(name, ground) for name in ("text", "text-soft") for ground in ("page", "hover", *GROUNDS)],
    *[("moment", ground) for ground in GROUNDS],
    *[("text", ground) for ground in ("code", "selected", "danger-soft")],
    *[(state, f"{state}-soft") for state in ("good", "danger", "warning")],
    *[(state, "surface") for state in ("good", "danger", "warning")],
]
SHAPES = [(f"line-{name}", ground) for name in LINES for ground in GROUNDS]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (SHAPES, 3.0)], ids=["text", "shapes"])
def test_contrast(theme: int, pairs: list[tuple[str, str]], least: float) -> None:
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLES.read_text())
    colours = {name: both[theme] for name, *both in found}
    weak = {
        pair: round(ratio, 2)
        for pair in pairs
        if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < least
    }
    assert weak == {}


def text_of(report: Report, selector: str) -> str:
    node = HTMLParser(page.html(report)).css_first(selector)
    assert node is not None
    return node.text()


def test_ratios_are_no_bars_beside_what_they_are_ratios_of() -> None:
    figures = [
        Figure(name="plaza, 1 at once: server.us_per_delivery", unit="us", samples=[3.0]),
        Figure(name="nats, 1 at once: server.us_per_delivery", unit="us", samples=[6.0]),
        Figure(name="plaza / nats, 1 at once: server.us_per_delivery", unit="x", samples=[0.5]),
    ]
    assert key_measures(figures)["server.us_per_delivery"] == figures[:2]
