from loadtest.report.model import Moment, Span
from loadtest.report.over_time import places, plots
from loadtest.report.plot import Plot
from loadtest.report.plots import marks
from loadtest.report.plots import plots as all_plots
from tests.loadtest.report import samples


def by_id(found: list[Plot]) -> dict[str, Plot]:
    return {plot.id: plot for plot in found}


def test_every_plot_has_a_value_for_each_place() -> None:
    for report in (samples.slow_reader(), samples.killed()):
        drawn = all_plots(report)
        assert len(drawn.times) == len(drawn.runs)
        assert drawn.times == sorted(drawn.times)
        for plot in drawn.plots:
            axis = drawn.times if plot.over == "time" else drawn.levels
            assert plot.lines
            assert all(len(line.values) == len(axis) for line in plot.lines)


def test_what_a_run_has_is_drawn() -> None:
    drawn = by_id(all_plots(samples.killed()).plots)
    assert {"latency-delivery", "latency-ack", "messages", "deliveries", "users"} < set(drawn)
    assert {"cpu", "server-memory", "errors", "connections", "distribution"} < set(drawn)
    assert [line.label for line in drawn["errors"].lines] == ["rate_limited", "unavailable"]
    assert [line.label for line in drawn["latency-delivery"].lines] == ["p50", "p90", "p99", "max"]


def test_variants_share_a_plot_of_a_kind() -> None:
    drawn = by_id(all_plots(samples.slow_reader()).plots)
    lines = drawn["distribution-delivery"].lines
    assert [line.label for line in lines] == ["all read", "one does not read"]


def test_nothing_is_drawn_of_a_report_without_moments() -> None:
    drawn = all_plots(samples.peers())
    assert (drawn.times, drawn.plots) == ([], [])


def test_no_line_joins_two_runs() -> None:
    found = places([Moment(at=1, run="a"), Moment(at=2, run="a"), Moment(at=5, run="b")])
    assert [(at, moment is None) for at, moment in found] == [
        (1, False),
        (2, False),
        (3.5, True),
        (5, False),
    ]


def test_what_is_not_known_is_a_hole_and_not_zero() -> None:
    moments = [Moment(at=1, server_cpu=0.5), Moment(at=2), Moment(at=3, server_cpu=0.25)]
    cpu = by_id(list(plots(places(moments))))["cpu"]
    assert cpu.lines[0].values == [50.0, None, 25.0]
    assert [line.label for line in cpu.lines] == ["server"]


def test_a_line_that_is_zero_all_the_time_is_left_out() -> None:
    moments = [Moment(at=at, rates={"sent": at, "gaps": 0.0}) for at in (1.0, 2.0)]
    drawn = by_id(list(plots(places(moments))))
    assert "connections" not in drawn
    assert [line.label for line in drawn["messages"].lines] == ["sent"]


def test_a_rate_that_nobody_knows_is_drawn_all_the_same() -> None:
    drawn = by_id(list(plots(places([Moment(at=1, rates={"waves": 3.0})]))))
    assert [line.label for line in drawn["other-rates"].lines] == ["waves"]


def test_spans_that_begin_together_are_told_apart_by_their_ends() -> None:
    # As clocks give it: more digits than are drawn.
    begin = 20.218472708002082
    found = marks(
        [
            Span(name="run", begin=begin, end=27.3),
            Span(name="ramp", begin=begin, end=20.9),
            Span(name="next", begin=27.373262212000554, end=34),
        ]
    )
    assert [(mark.name, mark.row) for mark in found] == [("run", 0), ("ramp", 1), ("next", 0)]


def test_the_inner_of_two_spans_has_its_label_below_and_a_moment_below_all() -> None:
    found = marks(
        [
            Span(name="ramp", begin=0, end=5),
            Span(name="kill", begin=12, end=14),
            Span(name="first", begin=0, end=30),
            Span(name="second", begin=30, end=60),
        ]
    )
    assert [(mark.name, mark.row, mark.moment) for mark in found] == [
        ("first", 0, False),
        ("ramp", 1, False),
        ("second", 0, False),
        ("kill", 2, True),
    ]
