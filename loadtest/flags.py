"""What `plaza loadtest run` can be asked for."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

AT_LEAST_ONE = validators.Number(gte=1)
NOT_NEGATIVE = validators.Number(gte=0)

# The scenario's keys that have a flag of their own.
_KEYS = {
    "users": "load.users",
    "senders": "load.senders",
    "rate": "load.rate",
    "in_flight": "load.in_flight",
    "duration": "load.duration",
    "ramp": "load.ramp",
    "processes": "load.processes",
    "repeat": "repeat",
}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Flags:
    """What is asked of a run."""

    url: Annotated[
        str | None, Parameter(help="Of the server; without it, one is started for the run.")
    ] = None
    users: Annotated[int | None, Parameter(help="Virtual users.", validator=AT_LEAST_ONE)] = None
    senders: Annotated[
        int | None, Parameter(help="How many of them act; 0: all.", validator=NOT_NEGATIVE)
    ] = None
    rate: Annotated[
        float | None, Parameter(help="Actions a second, of all together.", validator=NOT_NEGATIVE)
    ] = None
    in_flight: Annotated[
        int | None,
        Parameter(
            help="Instead of a rate: actions that each keeps under way.", validator=NOT_NEGATIVE
        ),
    ] = None
    duration: Annotated[
        float | None, Parameter(help="Seconds that are measured.", validator=NOT_NEGATIVE)
    ] = None
    ramp: Annotated[
        float | None,
        Parameter(help="Seconds before, in which users connect.", validator=NOT_NEGATIVE),
    ] = None
    processes: Annotated[
        int | None,
        Parameter(help="Of virtual users; 0: a core each, but one.", validator=NOT_NEGATIVE),
    ] = None
    settings: Annotated[
        tuple[str, ...],
        Parameter(
            name="--set",
            negative="",
            show_default=False,
            help="KEY=VALUE: any key of the scenario, such as rooms.members=50. Repeatable.",
        ),
    ] = ()
    threshold: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            show_default=False,
            help='What has to hold, too, such as "delivery.p99 <= 250". Repeatable.',
        ),
    ] = ()
    small: Annotated[bool, Parameter(negative="", help="Some seconds, to see that it works.")] = (
        False
    )
    repeat: Annotated[
        int | None, Parameter(help="How often; figures are medians.", validator=AT_LEAST_ONE)
    ] = None
    seed: Annotated[int, Parameter(help="The same number makes the same choices.")] = 1
    json: Annotated[Path | None, Parameter(help="File for the report, for `compare`.")] = None
    html: Annotated[Path | None, Parameter(help="File for the report, as a page.")] = None
    accounts: Annotated[
        Path | None, Parameter(help="File that keeps the accounts made at --url for the next run.")
    ] = None
    pid: Annotated[
        int | None, Parameter(help="Of the process of --url, if it is on this machine.")
    ] = None
    metrics_url: Annotated[
        str | None, Parameter(help="Of its /metrics, if they are at another address.")
    ] = None
    quiet: Annotated[bool, Parameter(negative="", help="Show nothing while it runs.")] = False

    def overrides(self) -> dict[str, Any]:
        """Those of the scenario's keys that have a flag, and were given."""
        return {
            key: value for name, key in _KEYS.items() if (value := getattr(self, name)) is not None
        }

    def command(self, scenario: str) -> str:
        """The command line that repeats the run."""
        words = ["plaza", "loadtest", "run", scenario]
        for field in fields(self):
            value = getattr(self, field.name)
            flag = "--set" if field.name == "settings" else f"--{field.name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            elif isinstance(value, tuple):
                words += [word for one in value for word in (flag, one)]
            elif value != field.default:
                words += [flag, str(value)]
        return shlex.join(words)


NONE = Flags()
