"""Logs: one stream, one format, and nothing in them that should not be."""

import io
import json
import logging

import pytest
import structlog

from server import logs
from server.sections import Log


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_plaza_and_the_libraries_share_a_format() -> None:
    stream = io.StringIO()
    logs.configure(Log(), stream)
    structlog.get_logger().info("listening", port=8080)
    logging.getLogger("asyncio").warning("slow %s", "callback")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["port"]) == ("listening", "info", 8080)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == (
        "slow callback", "warning", "asyncio",
    )  # fmt: skip
    assert str(ours["timestamp"]).endswith("Z")


def test_people_get_text() -> None:
    stream = Terminal()
    logs.configure(Log(), stream)
    structlog.get_logger().info("listening")
    assert "listening" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_format_can_be_chosen() -> None:
    assert logs.is_json(Log(format="json"), Terminal())
    assert not logs.is_json(Log(format="console"), io.StringIO())


def test_less_important_lines_are_left_out() -> None:
    stream = io.StringIO()
    logs.configure(Log(level="warning"), stream)
    structlog.get_logger().info("no")
    logging.getLogger("asyncio").info("no")
    structlog.get_logger().warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_talkative_libraries_are_quiet_even_when_debugging() -> None:
    stream = io.StringIO()
    logs.configure(Log(level="debug"), stream)
    logging.getLogger("websockets.server").info("connection open")
    logging.getLogger("websockets.server").debug("< TEXT 'secret' [6 bytes]")
    logging.getLogger("uvicorn.error").info("Started server process")
    structlog.get_logger().debug("<", bytes=6)
    assert [line["event"] for line in lines(stream)] == ["<"]


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_tracebacks_do_not_show_local_variables(stream: io.StringIO) -> None:
    logs.configure(Log(), stream)

    def login(password: str) -> None:
        raise ZeroDivisionError

    try:
        login("hunter" + "2")
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")
        logging.getLogger("asyncio").exception("failed")
    assert stream.getvalue().count("ZeroDivisionError") >= 2
    assert "hunter2" not in stream.getvalue()
