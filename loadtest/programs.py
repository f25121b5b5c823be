"""What runs a scenario: the table of programs."""

from loadtest import rise
from loadtest import scenario as scenarios
from loadtest.conductor import program as crowd
from loadtest.findings import Program
from loadtest.live import call
from loadtest.live import program as live

PROGRAMS: dict[scenarios.Program, Program] = {
    "crowd": crowd.measure,
    "live": live.measure,
    "call": call.measure,
    "rise": rise.measure,
}
