"""The independent client: both count the same echoes, and a wrong one is seen."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.benchmarks import agreement, echo_client
from tests.benchmarks.echo_client import Echoes, Unfit, Work

WORK = Work(connections=1, rate=500, in_flight=0, message_bytes=40, warm_up=0.1, seconds=0.4)


@pytest.mark.soak
async def test_both_clients_count_the_same() -> None:
    both = await agreement.compare(agreement.SMALL)
    for work, rounds in both.found.items():
        for harness, other in rounds:
            for echoes in (harness, other):
                assert (echoes.lost, echoes.wrong) == (0, 0)
                assert echoes.measured > 0
            if work.rate:
                assert other.measured == work.rate * work.seconds
                # Its seconds are those of its process's clock, and begin when it gets to it.
                assert harness.measured == pytest.approx(other.measured, rel=0.25)
        assert len(agreement.figures(work, rounds)) == (16 if work.rate else 10)
    for found in both.limits:
        assert found["delivered"].value > 0
        assert {found[name].value for name in ("lost", "doubled", "disordered", "errors")} == {0}


def test_how_far_they_are_apart() -> None:
    def echoes(p50: float) -> Echoes:
        return Echoes(100, 0, 0, p50, 2 * p50, 0.1, 0.2)

    rounds = [(echoes(1.2), echoes(1.0)), (echoes(3.3), echoes(3.0)), (echoes(9.0), echoes(8.0))]
    found = {(one.name, one.unit): one for one in agreement.figures(WORK, rounds)}
    ratio = found["500/s: harness / C client, p50", "x"]
    assert ratio.samples == pytest.approx([1.2, 1.1, 1.125])
    apart = found["500/s: medians apart, p99", "%"]
    assert apart.samples == pytest.approx([10])
    assert found["500/s: apart, p99", "ms"].samples == pytest.approx([0.6])


Reply = Callable[[bytes], bytes | None]


@asynccontextmanager
async def server(reply: Reply) -> AsyncIterator[int]:
    """Answers each frame of a client with what `reply` makes of its payload; None: it closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while len(head := await reader.read(2)) == 2:
            mask = await reader.readexactly(4)
            masked = await reader.readexactly(head[1] & 0x7F)
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
            if (answer := reply(payload)) is None:
                break
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def frame(payload: bytes) -> bytes:
    return bytes((0x81, len(payload))) + payload


async def echoes_of(reply: Reply) -> Echoes:
    async with server(reply) as port:
        return await echo_client.run(port, os.getpid(), WORK)


# Soak: what needs a C compiler, which `make test` does without.
@pytest.mark.soak
async def test_what_comes_back_is_counted() -> None:
    found = await echoes_of(frame)
    assert (found.measured, found.lost, found.wrong) == (200, 0, 0)
    assert 0 < found.p50 <= found.p99


@pytest.mark.soak
async def test_a_forged_echo_is_seen() -> None:
    assert (await echoes_of(lambda payload: frame(payload[:-1] + b"y"))).wrong == 250


@pytest.mark.soak
async def test_echoes_that_change_places_are_seen() -> None:
    kept: list[bytes] = []

    def turned(payload: bytes) -> bytes:
        kept.append(frame(payload))
        if len(kept) % 4:
            return b""
        answer = b"".join(reversed(kept))
        kept.clear()
        return answer

    assert (await echoes_of(turned)).wrong > 0


@pytest.mark.soak
@pytest.mark.parametrize(
    "reply",
    [lambda _: None, lambda payload: frame(payload[1:]), lambda _: b"\x88\x02\x03\xe8"],
    ids=["closes", "cuts", "says goodbye"],
)
async def test_what_is_no_echo_ends_it(reply: Reply, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unfit):
        await echoes_of(reply)
    assert capfd.readouterr().err


async def test_a_missing_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo_client, "_is_built", lambda: False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unfit, match="apt-get install gcc"):
        await echo_client.compiled()
