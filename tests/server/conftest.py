"""The same server in this process as the tests over real sockets have."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.e2e.conftest import config, site

__all__ = ["config", "site"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Leave the logging of the test run as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
