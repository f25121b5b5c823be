"""/healthz, /readyz and /metrics: for whoever runs the process, not for its users."""

from collections.abc import Callable
from typing import Any

from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler

from protocol.errors import UNAVAILABLE
from server.rest.errors import HANDLERS, answer
from server.rest.ports import Services


def metrics_only(render: Callable[[], tuple[bytes, str]]) -> Litestar:
    """An application of its own for /metrics, for an address that only operators reach."""
    return Litestar(
        [_metrics(render)],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
    )


def _metrics(render: Callable[[], tuple[bytes, str]]) -> HTTPRouteHandler:
    @get("/metrics", include_in_schema=False, sync_to_thread=False)
    def metrics() -> Response[bytes]:
        """For Prometheus."""
        content, media_type = render()
        return Response(content, media_type=media_type)

    return metrics


def operations(services: Services) -> list[HTTPRouteHandler]:
    """The routes; without /metrics where that is bound to another address."""

    @get("/healthz", include_in_schema=False, sync_to_thread=False)
    def healthz() -> dict[str, str]:
        """The process runs and its event loop turns. Restart it when this fails."""
        return {"status": "ok"}

    @get("/readyz", include_in_schema=False)
    async def readyz() -> Response[Any]:
        """What the process depends on can be reached. Send it no traffic while this fails."""
        checks = {name: problem or "ok" for name, problem in (await services.readiness()).items()}
        if all(outcome == "ok" for outcome in checks.values()):
            return Response({"status": "ready", "checks": checks})
        return answer(UNAVAILABLE, "Not ready. The details say why.", details=checks)

    if services.config.server.metrics_address:
        return [healthz, readyz]
    return [healthz, readyz, _metrics(services.metrics)]
