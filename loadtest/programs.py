"""What runs a scenario: the table of programs."""

from loadtest import call_program, crowd_program, live_program, rise
from loadtest import scenario as scenarios
from loadtest.findings import Program

PROGRAMS: dict[scenarios.Program, Program] = {
    "crowd": crowd_program.measure,
    "live": live_program.measure,
    "call": call_program.measure,
    "rise": rise.measure,
}
