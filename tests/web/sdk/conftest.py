"""A Node for the SDK's tests."""

from pathlib import Path

import playwright
import pytest


@pytest.fixture(scope="session")
def node() -> str:
    """Playwright's driver runs on a Node of its own: no other one needs to be installed."""
    return str(Path(playwright.__file__).parent / "driver" / "node")
