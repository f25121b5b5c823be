"""`plaza loadtest`: its exit codes, what it refuses, and Ctrl-C."""

import asyncio
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import psutil
import pytest

from loadtest import cli as loadtest_cli
from loadtest.cli import app
from loadtest.deployment import Deployment
from loadtest.figures import Environment, Figure
from loadtest.flags import Flags
from loadtest.report import model
from loadtest.report.model import Judgement, Report
from loadtest.run import Options
from server import cli, exits

ROOT = Path(__file__).parents[2]

SCENARIO = """
question = "How fast is it?"
thresholds = ["lost <= 0", "doubled <= 0", "disordered <= 0"]
load = { users = 4, rate = 20.0, ramp = 0.5, duration = 1.0, processes = 2 }
rooms = { members = 2 }
mix = { message = 1.0 }
"""


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    path = tmp_path / "fast.toml"
    path.write_text(SCENARIO)
    return str(path)


def plaza(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["loadtest", *arguments])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def report(p99: float = 10.0, *, lost: int = 0, interrupted: bool = False) -> Report:
    return Report(
        question="How fast is it?",
        name="fast",
        command="plaza loadtest run fast",
        began="2025-01-01T00:00:00Z",
        seconds=3.0,
        environment=Environment(processor="", cores=2, system="", python="", libraries={}),
        figures=[Figure(name="delivery.p99", unit="ms", samples=[p99])],
        judgements=[Judgement(rule="lost <= 0", found=lost, holds=not lost)],
        interrupted=interrupted,
    )


def finds(monkeypatch: pytest.MonkeyPatch, found: Report) -> list[Options]:
    """Let a run find this; return what it is asked for."""
    asked: list[Options] = []

    def measured(options: Options) -> Report:
        asked.append(options)
        return found

    monkeypatch.setattr(loadtest_cli, "_measured", measured)
    return asked


# --- exit codes ----------------------------------------------------------------------------------


def test_the_catalogue_has_the_exit_codes() -> None:
    codes = (loadtest_cli.BROKEN, loadtest_cli.NOT_RUN, loadtest_cli.WORSE)
    assert codes == (exits.LOAD_BROKEN.code, exits.LOAD_NOT_RUN.code, exits.LOAD_WORSE.code)
    assert exits.INTERRUPTED.code == loadtest_cli.INTERRUPTED


@pytest.mark.parametrize(
    ("found", "exit_"),
    [
        (report(), exits.OK),
        (report(lost=1), exits.LOAD_BROKEN),
        (report(interrupted=True), exits.INTERRUPTED),
    ],
)
def test_what_was_found_is_the_exit_code(
    found: Report, exit_: exits.Exit, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    finds(monkeypatch, found)
    json, html = tmp_path / "new" / "a.json", tmp_path / "a.html"
    assert plaza("run", "fast", "--json", str(json), "--html", str(html)) == exit_.code
    assert model.read(json) == found
    assert "How fast is it?" in html.read_text()


def test_flags_are_keys_of_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = finds(monkeypatch, report())
    flags = "--users 5 --senders 2 --rate 7.5 --ramp 0 --duration 3 --processes 1 --repeat 2"
    more = ["--set", "rooms.members=3", "--set", "late_ms=50", "--threshold", "lost <= 1"]
    assert plaza("run", "fast", *flags.split(), *more, "--seed", "9", "--small", "--quiet") == 0
    [options] = asked
    assert options.overrides == {
        "load.users": 5,
        "load.senders": 2,
        "load.rate": 7.5,
        "load.ramp": 0,
        "load.duration": 3,
        "load.processes": 1,
        "repeat": 2,
        "rooms.members": 3,
        "late_ms": 50,
    }
    assert options.thresholds == ("lost <= 1",)
    assert (options.seed, options.small, options.quiet) == (9, True, True)


def test_the_command_in_a_report_repeats_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = finds(monkeypatch, report())
    words = ["run", "fast", "--url", "http://a b", "--users", "5", "--in-flight", "2"]
    words += ["--set", "late_ms=50", "--set", "repeat=2", "--threshold", "lost <= 1", "--small"]
    words += ["--metrics-url", "http://c"]
    assert plaza(*words) == 0
    assert asked[0].command == (
        "plaza loadtest run fast --url 'http://a b' --users 5 --in-flight 2 --set late_ms=50 "
        "--set repeat=2 --threshold 'lost <= 1' --small --metrics-url http://c"
    )
    assert Flags().command("fast") == "plaza loadtest run fast"


def test_worse_has_an_exit_code_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, p99 in (("before", 10.0), ("after", 13.0)):
        model.write(tmp_path / name, report(p99))
    before, after = str(tmp_path / "before"), str(tmp_path / "after")
    assert plaza("compare", before, after) == exits.LOAD_WORSE.code
    assert "p99" in capsys.readouterr().out
    assert plaza("compare", before, after, "--tolerance", "0.5") == exits.OK.code
    assert plaza("compare", after, before) == exits.OK.code


def test_it_is_among_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "Load a server with virtual users" in " ".join(capsys.readouterr().out.split())


def test_the_questions_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza("questions") == 0
    shown = capsys.readouterr().out
    assert "what-breaks-first" in shown
    assert "Does kill -9 of the server lose anything" in shown


@pytest.mark.parametrize("command", ["version", "--help"])
def test_other_commands_stay_quick(command: str) -> None:
    code = f"""
import atexit, sys
from server import cli
atexit.register(lambda: print("imported", *(m for m in sys.modules if m.startswith("loadtest."))))
cli.main(["{command}"])
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1].split() == ["imported"]


# --- what cannot be done -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "how-fast-is-fanuot"], "Did you mean how-fast-is-fanout?"),
        (["run", "how-fast-is-fanout", "--set", "load.user=3"], "load.users"),
        (["run", "how-fast-is-fanout", "--set", "load.users"], "KEY=VALUE"),
        (["run", "how-fast-is-fanout", "--threshold", "lost"], "is no rule"),
        (["run", "how-fast-is-fanout", "--json", "/proc/none/a.json"], "cannot be written"),
        (["run", "how-fast-is-fanout", "--small", "--url", "http://127.0.0.1:1"], "127.0.0.1:1"),
        (["run", "how-fast-is-fanout", "--small", "--url", "plaza.example"], "plaza.example"),
        (["compare", "/none/a.json", "/none/b.json"], "cannot be read"),
        (["peers", "nginy"], "There is no peer"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plaza(*arguments) == exits.LOAD_NOT_RUN.code
    shown = capsys.readouterr().err
    assert "Error: " in shown
    assert sentence in shown
    assert "Traceback" not in shown


def test_a_file_that_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text('{"question": 1}')
    model.write(tmp_path / "b", report())
    assert plaza("compare", str(tmp_path / "a"), str(tmp_path / "b")) == exits.LOAD_NOT_RUN.code
    assert "is no report" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["rnu"], ["run"], ["run", "x", "--users", "0"], ["run", "x", "--rate", "-1"]]
)
def test_a_misspelt_command_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza(*wrong) == exits.USAGE.code
    assert capsys.readouterr().err


def test_what_nobody_has_foreseen_is_no_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Options) -> Report:
        raise ZeroDivisionError

    monkeypatch.setattr(loadtest_cli, "_measured", fail)
    with pytest.raises(ZeroDivisionError):
        app(["run", "fast"])


# --- for real ------------------------------------------------------------------------------------


async def running(deployment: Deployment, scenario: str, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "loadtest", "run", scenario),
        *("--url", deployment.url, *arguments),
        cwd=ROOT,
        stdout=PIPE,
        stderr=PIPE,
        limit=1 << 20,
    )


async def until(process: Process, words: str) -> None:
    """Read what it shows, up to a line with these words."""
    assert process.stderr is not None
    seen = b""
    async for line in process.stderr:
        seen += line
        if words.encode() in line:
            return
    raise AssertionError(seen.decode())


async def test_a_broken_threshold(deployment: Deployment, scenario: str, tmp_path: Path) -> None:
    json, html = tmp_path / "a.json", tmp_path / "a.html"
    process = await running(
        *(deployment, scenario, "--threshold", "delivery.p99 <= 0"),
        *("--json", str(json), "--html", str(html)),
    )
    out, error = await process.communicate()
    assert process.returncode == exits.LOAD_BROKEN.code, error.decode()
    assert b"delivery.p99 <= 0" in out
    found = model.read(json)
    figures = {figure.name: figure.median for figure in found.figures}
    assert figures["lost"] == figures["doubled"] == figures["errors"] == 0
    assert figures["delivered"] > 0
    assert figures["delivered"] == 2 * figures["acknowledged"]
    assert not found.interrupted
    assert [one.rule for one in found.judgements if not one.holds] == ["delivery.p99 <= 0"]
    assert html.stat().st_size > 1000


async def test_ctrl_c_reports_what_there_is(
    deployment: Deployment, scenario: str, tmp_path: Path
) -> None:
    json = tmp_path / "a.json"
    process = await running(deployment, scenario, "--duration", "100", "--json", str(json))
    await until(process, "connect p50")
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 2
    process.send_signal(signal.SIGINT)
    _, error = await process.communicate()
    assert process.returncode == exits.INTERRUPTED.code, error.decode()
    found = model.read(json)
    assert found.interrupted
    assert found.moments
    assert found.holds
    assert not any(child.is_running() for child in children)


@pytest.mark.soak
async def test_a_second_ctrl_c_leaves_at_once(
    deployment: Deployment, scenario: str, tmp_path: Path
) -> None:
    json = tmp_path / "a.json"
    process = await running(deployment, scenario, "--duration", "100", "--json", str(json))
    await until(process, "Under way")
    children = psutil.Process(process.pid).children(recursive=True)
    for child in children:
        child.suspend()  # so that there is something to wait for
    process.send_signal(signal.SIGINT)
    await until(process, "Waiting for what is on its way")
    process.send_signal(signal.SIGINT)
    _, error = await process.communicate()
    assert process.returncode == exits.INTERRUPTED.code, error.decode()
    assert b"Traceback" not in error
    assert not json.read_bytes()
    assert not any(child.is_running() for child in children)
