"""The processes that convert, and orders for them."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from server.conversion.order import Limits, Order
from server.conversion.sniff import SNIFFED_BYTES, sniff
from server.conversion.workers import Workers

Ordered = Callable[..., Order]

LIMITS = {"pixels": 50_000_000, "seconds": 60, "cpu_seconds": 20}


@pytest.fixture(scope="session")
async def workers() -> AsyncIterator[Workers]:
    workers = Workers(2)
    yield workers
    await workers.close()


@pytest.fixture
def ordered(tmp_path: Path) -> Ordered:
    """An order to convert a file, as the server would give it."""
    folders = iter(range(1_000_000))

    def order(content: bytes, **limits: Any) -> Order:
        folder = tmp_path / str(next(folders))
        target = folder / "made"
        target.mkdir(parents=True)
        (folder / "source").write_bytes(content)
        found = sniff(content[:SNIFFED_BYTES])
        return Order(
            source=str(folder / "source"),
            target=str(target),
            kind=found.kind,
            reader=found.reader,
            limits=Limits(**{**LIMITS, **limits}),
        )

    return order
