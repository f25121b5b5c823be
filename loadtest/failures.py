"""What a load test can fail with so that its text is enough: there is nothing to be traced."""

from loadtest.conductor.processes import CrowdFailed
from loadtest.peers.command import BadScale
from loadtest.peers.roster import UnknownPeer
from loadtest.process import StartFailed
from loadtest.scenarios.file import ScenarioError
from loadtest.swarm import Violation
from loadtest.target import TargetError
from loadtest.threshold import RuleError

FAILURES: tuple[type[Exception], ...] = (
    BadScale,
    CrowdFailed,
    RuleError,
    ScenarioError,
    StartFailed,
    TargetError,
    UnknownPeer,
    Violation,
)
