import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario import Scenario
from loadtest.scenarios import keys as scenario_keys
from loadtest.scenarios.file import ScenarioError, load, override, questions, variants

LEAST = """
question = "How fast?"
"""
TALK = """
question = "How fast?"
[mix]
message = 1.0
"""


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(text: str, **given: Any) -> Scenario:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return load(str(path), **given)

    return write


def refusal(written: Any, text: str, **given: Any) -> str:
    with pytest.raises(ScenarioError) as caught:
        written(text, **given)
    return str(caught.value)


# Finding


@pytest.mark.parametrize("is_small", [False, True])
@pytest.mark.parametrize("name", questions())
def test_every_question_can_be_read(name: str, is_small: bool) -> None:
    scenario = load(name, small=is_small)

    assert scenario.question == questions()[name]
    assert scenario.question.endswith("?")
    assert scenario.about
    assert scenario.thresholds or scenario.rise.most
    assert all(variant.variants == {} for _, variant in variants(scenario))


def test_a_question_that_is_not_there_has_a_neighbour() -> None:
    with pytest.raises(ScenarioError, match=r"Did you mean how-fast-is-fanout\?"):
        load("how-fast-is-fan-out")


def test_a_name_like_no_other_is_refused_with_a_way_to_see_them() -> None:
    with pytest.raises(ScenarioError, match="plaza loadtest"):
        load("zzz")


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"nowhere/x.toml cannot be read: No such file"):
        load("nowhere/x.toml")


def test_what_is_no_toml_is_refused_with_its_line(written: Any) -> None:
    text = refusal(written, "question = \n")

    assert "mine.toml is not valid TOML" in text
    assert "line 1" in text


# Keys


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[load]\nuser = 5", "load.user is no key of a scenario. Did you mean load.users?"),
        ("users = 5", "users is no key of a scenario. Did you mean load.users"),
        ("[laod]\nusers = 5", "laod is no key of a scenario. Did you mean load?"),
        ("[mix]\nmesage = 1", "mix.mesage is no key of a scenario. Did you mean mix.message?"),
        ("[[stages]]\nsecond = 1", "Did you mean stages.seconds?"),
        ('[variants."a b".load]\nrat = 1', 'variants."a b".load.rat is no key'),
        ('[variants.a]\nrepeat = 1', 'variants."a".repeat: repeat is of the scenario as a whole'),
        ("[small.load]\nuserz = 1", "small.load.userz is no key of a scenario. Did you"),
        ("[small.variants.a.load]\nuserz = 1", "Did you mean load.users?"),
        ("qqqqqqqq = 1", "There are question, about"),
        ("[variants]\na = 1", 'variants."a" has to be a table'),
        ("small = 1", "small has to be a table"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_refused_with_the_nearest(written: Any, text: str, hint: str) -> None:
    said = refusal(written, f"question = '?'\n{text}" if "]" not in text else text)

    assert "mine.toml: " in said
    assert hint in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[load]\nusers = "many"', 'load.users = "many": it has to be a whole number.'),
        ("[load]\nusers = 1.5", "load.users = 1.5: it has to be a whole number."),
        ("[load]\nrate = true", "load.rate = true: it has to be a number."),
        ('[load]\narrivals = "no"', 'arrivals = "no": it has to be one of "uniform", "poisson".'),
        ("load = 3", "load = 3: it has to be a table."),
        ("stages = 3", "stages = 3: it has to be a list of tables."),
        ("[[stages]]\nseconds = 'x'", 'stages[0].seconds = "x": it has to be a number.'),
        ("[[stages]]\nusers = 3", "stages[0]: seconds is missing."),
        ("[[stages]]\nseconds = 1\nusers = 'x'", 'users = "x": it has to be a whole number.'),
        ("thresholds = 'lost <= 0'", "it has to be a list of texts."),
        ("thresholds = [1]", "thresholds[0] = 1: it has to be a text in quotes."),
        ("[server]\nPLAZA_X__Y = 1", "it has to be a text in quotes."),
        ("[variants.a.load]\nusers = 'x'", 'variants."a": load.users = "x": it has to be'),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(written: Any, text: str, said: str) -> None:
    assert said in refusal(written, f"question = '?'\n{text}")


def test_a_scenario_has_a_question(written: Any) -> None:
    assert "question is missing: a sentence" in refusal(written, "[load]\nusers = 1")


# Sense

SENSELESS = [
    (LEAST, "mix is empty"),
    (TALK + "[load]\nrate = 0", "load.rate = 0: nothing of mix would be done"),
    (TALK + "[load]\nusers = 0", "load.users = 0: there has to be somebody"),
    (TALK + "[load]\nrate = -1", "load.rate = -1: it cannot be below 0"),
    (TALK + "[load]\nrate = inf", "load.rate = inf: it cannot be below 0, or without an end"),
    (TALK + "[load]\nrate = nan", "load.rate = nan: it cannot be"),
    (TALK + "[load]\nsenders = 101", "load.senders = 101: there are 100 users"),
    (TALK + "[load]\nduration = 0", "load.duration = 0: nothing would be measured"),
    (TALK + '[rooms]\nkind = "dm"', 'rooms.members = 10: with rooms.kind = "dm" it has to be 2'),
    (TALK + "[rooms]\nmembers = 101", "rooms.members = 101: there are 100 users"),
    (TALK + "[rooms]\neach = 0", "rooms.each = 0: mix.message needs a room"),
    (TALK + "read = -1.0", "mix.read = -1: it cannot be below 0"),
    (TALK + "echo = 1.0", "mix.echo stands alone"),
    (TALK + "[slow]\nusers = 100", "slow.users = 100"),
    (TALK + "[slow]\nusers = 60\n[load]\nsenders = 50", "slow.users = 60: those who stop reading"),
    (TALK + "[churn]\nrate = 1.0\naway = 0.0", "churn.away = 0"),
    (TALK + "[returning]\nbase = 9.0", "returning.cap is below returning.base"),
    (TALK + "[[happenings]]\nat = 31.0\ndo = 'drop'", "happenings: 31 s is past the end"),
    (TALK + "[[happenings]]\nat = 3.0\ndo = 'drop'\nshare = 2.0", "share = 2; all of them are 1"),
    (
        TALK + "[[happenings]]\nat = 3.0\ndo = 'drop'\n[[happenings]]\nat = 2.0\ndo = 'drop'",
        "happenings: 2 s comes after 3 s; put them in order",
    ),
    (TALK + "[[stages]]\nseconds = 0.0", "stages.seconds = 0"),
    (TALK + "[[stages]]\nseconds = 1.0\nusers = 500", "load.users, which is how many there are"),
    (TALK + "[load]\nin_flight = 1\n[[stages]]\nseconds = 1.0\nrate = 5.0", "cannot have a rate"),
    ("repeat = 0" + TALK, "repeat = 0"),
    ("follows = 100" + TALK, "follows = 100: there are only 99 others"),
    ("message_bytes = 3" + TALK, "message_bytes = 3: it has to be"),
    ("thresholds = ['lost']" + TALK, 'thresholds: "lost" is no rule'),
    ("budgets = ['lost < x']" + TALK, 'budgets: "lost < x" is no rule'),
    ("thresholds = ['a: lost <= 0']" + TALK, 'names the variant "a"; there are: none'),
    ("thresholds = ['ack.p98 <= 1']" + TALK, "ack.p98 is no figure of a run. Did you mean ack.p9"),
    ("budgets = ['lost <= 1 x zzz']" + TALK, "zzz is no figure of a run. docs/loadtest.md lists"),
    ('program = "rise"' + TALK + '[rise]\nmost = ["lots <= 0"]', "Did you mean lost?"),
    ("server = { limits = '0' }" + TALK, "server.limits is no setting"),
    ('program = "rise"' + TALK, "rise.most is empty"),
    ('program = "rise"' + TALK + '[rise]\nmost = ["lost <= 0"]\nfactor = 1.0', "rise.factor = 1"),
    (TALK + '[variants."a: b".load]\nrate = 5', "a name has no colon"),
    (TALK + "[variants.b.load]\nsenders = 101", 'variant "b": load.senders = 101'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), SENSELESS, ids=[said for _, said in SENSELESS])
def test_what_makes_no_sense_is_refused(written: Any, text: str, said: str) -> None:
    found = refusal(written, text)

    assert "mine.toml" in found
    assert said in found


def test_idle_connections_make_sense(written: Any) -> None:
    assert written(LEAST + "[load]\nrate = 0.0").load.rate == 0


@pytest.mark.parametrize("figure", ["errors.rate_limited", "publish.p99", "typing.count"])
def test_figures_that_only_some_runs_have_are_known(written: Any, figure: str) -> None:
    assert written(f"thresholds = ['{figure} <= 5']" + TALK).thresholds


def test_streams_and_calls_have_figures_of_their_own(written: Any) -> None:
    assert written('program = "live"\nthresholds = ["jitter.p99 <= 5"]' + LEAST).thresholds


def test_a_stream_needs_no_mix(written: Any) -> None:
    assert written('program = "live"' + LEAST).program == "live"


# Laying over

LAYERED = """
question = "How fast?"
thresholds = ["lost <= 0", "errors <= 0"]
[load]
users = 100
rate = 20.0
[mix]
message = 1.0
[variants.one]
load = { users = 10 }
[variants.two]
load = { in_flight = 2, users = 50 }
mix = { typing = 2.0 }
[small]
thresholds = ["lost <= 0"]
load = { duration = 1.0 }
variants.two.load.users = 12
"""


def test_variants_differ_deeply(written: Any) -> None:
    (first, one), (second, two) = variants(written(LAYERED))

    assert (first, second) == ("one", "two")
    assert (one.load.users, one.load.rate, one.load.in_flight) == (10, 20.0, 0)
    assert (two.load.users, two.load.rate, two.load.in_flight) == (50, 20.0, 2)
    assert (two.mix.message, two.mix.typing) == (1.0, 2.0)


def test_a_scenario_without_variants_is_its_own(written: Any) -> None:
    scenario = written(TALK)

    assert variants(scenario) == [("", scenario)]


def test_the_small_form_is_laid_over_variants_too(written: Any) -> None:
    scenario = written(LAYERED, small=True)

    assert scenario.thresholds == ["lost <= 0"]
    assert [one.load.users for _, one in variants(scenario)] == [10, 12]
    assert {one.load.duration for _, one in variants(scenario)} == {1.0}


def test_a_scenario_without_a_small_form_says_so(written: Any) -> None:
    assert "has no small form: add a table [small]" in refusal(written, TALK, small=True)


def test_what_is_said_on_the_command_line_holds_for_variants(written: Any) -> None:
    scenario = written(LAYERED, overrides={"load.users": 33}, small=True)

    assert [one.load.users for _, one in variants(scenario)] == [33, 33]


def test_a_variant_can_be_overridden_alone(written: Any) -> None:
    scenario = written(LAYERED, overrides={"variants.two.load.users": 33})

    assert [one.load.users for _, one in variants(scenario)] == [10, 33]


def test_a_rate_takes_the_place_of_answers_that_let_the_next_one_go(written: Any) -> None:
    scenario = written(LAYERED, overrides={"load.rate": 7.0})

    assert [(one.load.rate, one.load.in_flight) for _, one in variants(scenario)] == [(7.0, 0)] * 2


def test_thresholds_come_on_top(written: Any) -> None:
    scenario = written("thresholds = ['lost <= 0']" + TALK, thresholds=("ack.p99 <= 50",))

    assert scenario.thresholds == ["lost <= 0", "ack.p99 <= 50"]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("fast", '--threshold: "fast" is no rule'),
        ("akc.p99 <= 50", "Did you mean ack.p99?"),
        ("b: ack.p99 <= 50", 'names the variant "b"; there are: none'),
    ],
)
def test_a_threshold_on_top_is_looked_at_too(written: Any, rule: str, said: str) -> None:
    text = refusal(written, TALK, thresholds=(rule,))

    assert text.startswith("--threshold: ")
    assert said in text


@pytest.mark.parametrize("key", ["load.usres", "nothing", "load.", "a b"])
def test_an_unknown_override_is_refused(written: Any, key: str) -> None:
    assert "the command line: " in refusal(written, TALK, overrides={key: 1})


def test_what_stages_say_is_not_overridden_in_silence(written: Any) -> None:
    text = TALK + "[[stages]]\nseconds = 5.0\nrate = 10.0"

    assert "stages=[]" in refusal(written, text, overrides={"load.duration": 3.0})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("load.users=5", ("load.users", 5)),
        (" load.rate = 2.5", ("load.rate", 2.5)),
        ("rooms.kind=dm", ("rooms.kind", "dm")),
        ("thresholds=['lost <= 0']", ("thresholds", ["lost <= 0"])),
        ("question=a = b", ("question", "a = b")),
        ("stages=[]", ("stages", [])),
    ],
)
def test_an_override_is_taken_apart(text: str, found: tuple[str, Any]) -> None:
    assert override(text) == found


@pytest.mark.parametrize("text", ["load.users", "=5", ""])
def test_what_overrides_nothing_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="write KEY=VALUE"):
        override(text)


# Invariants

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(scenario_keys.known())), VALUES)
def test_whatever_is_overridden_is_a_scenario_or_is_refused(key: str, value: Any) -> None:
    with contextlib.suppress(ScenarioError):  # and nothing else
        assert variants(load("how-fast-is-durable-chat", overrides={key: value}))


@given(st.sampled_from(sorted(questions())), st.booleans())
def test_a_scenario_can_be_written_down_and_read_again(name: str, is_small: bool) -> None:
    scenario = load(name, small=is_small)

    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(scenario)), Scenario) == scenario
