"""The same server in this process as the tests over real sockets have."""

from tests.e2e.conftest import config, site

__all__ = ["config", "site"]
