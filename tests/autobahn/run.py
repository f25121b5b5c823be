"""Run the Autobahn fuzzing client against Plaza's own WebSocket code, at /ws/echo.

    make autobahn                                      every case: a quarter of an hour
    python tests/autobahn/run.py --cases '1.*' '7.*'   some of them
    python tests/autobahn/run.py --url ws://...        against a server that runs already

Prints a tally by behavior and exits 1 if a case, or its closing handshake, did not pass.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUITE = ROOT / ".venv-autobahn"
PLAZA = ROOT / ".venv" / "bin" / "plaza"

# What the suite itself counts as passed: NON-STRICT breaks no MUST, INFORMATIONAL has no right
# answer. UNIMPLEMENTED is not among them: it would mean that deflate was not negotiated.
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}

# Group 9 sends messages of 16 MiB, and of 4 MiB in frames of 64 bytes; all come back at once.
SETTINGS = {
    "PLAZA_DEBUG__ECHO": "true",
    "PLAZA_GATEWAY__DEFLATE": "true",
    "PLAZA_LIMITS__MESSAGE_BYTES": str(2**25),
    "PLAZA_LIMITS__FRAGMENTS": "0",
    "PLAZA_LIMITS__OUTBOX_SOFT_BYTES": "0",
    "PLAZA_LIMITS__OUTBOX_HARD_BYTES": "0",
    "PLAZA_LOG__LEVEL": "warning",
    "PLAZA_MEDIA__PORT": "0",
}


class Result(NamedTuple):
    """How one case went."""

    case: str
    behavior: str
    closing: str
    milliseconds: int

    @property
    def passed(self) -> bool:
        """Whether the case and its closing handshake passed."""
        return {self.behavior, self.closing} <= PASSED


@contextmanager
def plaza() -> Iterator[str]:
    """A server in a data directory of its own; yields the URL of its echo session."""
    with tempfile.TemporaryDirectory(prefix="plaza-autobahn-") as data_dir:
        server = subprocess.Popen(
            [PLAZA, "serve", "--port", "0", "--data-dir", data_dir],
            env=os.environ | SETTINGS,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield f"ws://{_bound_address(server)}/ws/echo"
            if server.poll() is not None:
                raise SystemExit(f"The server ended with exit code {server.returncode}.")
        finally:
            server.terminate()
            server.communicate()


def _bound_address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"http://([\w.]+:\d+)", line):
            return found[1]
    raise SystemExit(f"The server did not start: exit code {server.wait()}.")


def fuzz(url: str, pattern: str, reports: Path) -> list[Result]:
    """Run the cases that match one pattern of the specification; their reports go to `reports`."""
    specification = json.loads((HERE / "fuzzingclient.json").read_text())
    specification |= {
        "cases": [pattern],
        "outdir": str(reports),
        "servers": [{"agent": "plaza", "url": url}],
    }
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / "fuzzingclient.json"
    path.write_text(json.dumps(specification))
    client = subprocess.run(
        [SUITE / "bin" / "wstest", "-m", "fuzzingclient", "-s", path],
        env=os.environ | {"PYTHONUSERBASE": str(SUITE)},
        capture_output=True,
        text=True,
        check=False,
    )
    # It exits 0 whatever happens, and stops at the first connection that fails.
    planned = re.search(r"will run (\d+) test cases", client.stdout)
    index = reports / "index.json"
    cases = json.loads(index.read_text()).get("plaza", {}) if index.exists() else {}
    if planned is None or len(cases) != int(planned[1]):
        output = client.stdout[-2000:] + client.stderr[-2000:]
        raise SystemExit(f"{pattern}: only {len(cases)} cases ran.\n{output}")
    return [
        Result(case, outcome["behavior"], outcome["behaviorClose"], outcome["duration"])
        for case, outcome in cases.items()
    ]


def run(url: str, patterns: list[str], reports: Path) -> list[Result]:
    """Run the groups one after the other, with a line for each."""
    results = []
    for pattern in patterns:
        group = fuzz(url, pattern, reports / pattern.replace("*", "x").replace(".", "_"))
        seconds = sum(result.milliseconds for result in group) / 1000
        print(f"{pattern:6} {seconds:7.1f} s  {_tally(group)}", flush=True)
        results += group
    return results


def _tally(results: list[Result]) -> str:
    counted = Counter(result.behavior for result in results)
    return ", ".join(f"{count} {behavior}" for behavior, count in counted.most_common())


def main() -> int:
    """Returns the exit code."""
    listed = json.loads((HERE / "fuzzingclient.json").read_text())["cases"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=listed, metavar="PATTERN")
    parser.add_argument("--url", help="of an echo server that runs already")
    parser.add_argument("--reports", type=Path, default=ROOT / "build" / "autobahn")
    options = parser.parse_args()
    if options.url:
        results = run(options.url, options.cases, options.reports)
    else:
        with plaza() as url:
            results = run(url, options.cases, options.reports)
    failures = [result for result in results if not result.passed]
    for result in failures:
        print(f"{result.case}: {result.behavior}, closing handshake {result.closing}")
    print(f"{len(results)} cases: {_tally(results)}. Reports: {options.reports}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
