"""The processes that convert: what a file does to them is its own affair."""

import asyncio
import os
import random
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.posts import MediaKind
from server.conversion import workers as workers_module
from server.conversion.order import Made, Refused
from server.conversion.sniff import SNIFFED_BYTES, sniff
from server.conversion.workers import ConverterLost, Workers
from tests.files import animation, image_file, video_file

PROBES = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MAGIC = [
    b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\x00", b"RIFF\xff\x00\x00\x00WEBP",
    b"\x1a\x45\xdf\xa3", b"OggS\x00", b"fLaC", b"ID3\x04", b"\x00\x00\x00\x18ftypmp42",
    b"\x00\x00\x00\x18ftypavif", b"FLV\x01", b"RIFF\xff\x00\x00\x00AVI ", b"#!AMR\n",
]  # fmt: skip


async def test_it_converts(workers, ordered):
    order = ordered(image_file())
    done = await workers.convert(order)
    assert isinstance(done, Made)
    assert set(os.listdir(order.target)) == {piece.name for piece in done.pieces}


async def test_several_convert_at_a_time(workers, ordered):
    outcomes = await asyncio.gather(*(workers.convert(ordered(image_file())) for _ in range(5)))
    assert all(isinstance(outcome, Made) for outcome in outcomes)


async def test_a_conversion_has_so_much_time(workers, ordered, tmp_path):
    long = video_file(tmp_path / "a.avi", "avi", "mpeg4", None, frames=500, size=(960, 720))
    outcome = await workers.convert(ordered(long.read_bytes(), cpu_seconds=1))
    assert isinstance(outcome, Refused)
    assert "takes more than 1 seconds" in outcome.problem
    assert isinstance(await workers.convert(ordered(image_file())), Made)  # the process lives on


async def test_a_conversion_has_so_much_memory(workers, ordered):
    outcome = await workers.convert(ordered(image_file("PNG", (5_000, 5_000)), memory=300 * 2**20))
    assert isinstance(outcome, Refused)
    assert isinstance(await workers.convert(ordered(image_file())), Made)


async def test_a_process_that_hangs_is_killed(ordered, monkeypatch):
    monkeypatch.setattr(workers_module, "PATIENCE", -1.5)
    workers = Workers(1)
    assert isinstance(await workers.convert(ordered(image_file(), cpu_seconds=20)), Made)
    (process,) = _children()
    process.suspend()
    outcome = await workers.convert(ordered(image_file(), cpu_seconds=1))
    assert isinstance(outcome, Refused)
    assert not process.is_running()
    monkeypatch.undo()
    assert isinstance(await workers.convert(ordered(image_file())), Made)
    await workers.close()
    assert _children() == []


async def test_a_process_that_was_killed_is_replaced(ordered):
    workers = Workers(1)
    await workers.convert(ordered(image_file()))
    (process,) = _children()
    process.kill()
    with pytest.raises(ConverterLost):
        await workers.convert(ordered(image_file()))
    assert isinstance(await workers.convert(ordered(image_file())), Made)
    await workers.close()


async def test_who_gives_up_takes_the_conversion_along(ordered, tmp_path):
    workers = Workers(1)
    long = video_file(tmp_path / "a.avi", "avi", "mpeg4", None, frames=500, size=(960, 720))
    conversion = asyncio.create_task(workers.convert(ordered(long.read_bytes())))
    while not (found := [child for each in _children() for child in each.children()]):
        await asyncio.sleep(0.01)
    conversion.cancel()
    await asyncio.wait([conversion])
    psutil.wait_procs(found, timeout=5)
    assert not any(process.is_running() for process in found)
    assert workers.busy == 0
    await workers.close()


async def test_it_knows_no_secret(ordered, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    workers = Workers(1)
    await workers.convert(ordered(image_file()))
    (process,) = _children()
    assert set(process.environ()) <= {"PATH", "PYTHONPATH", "LC_CTYPE"}
    await workers.close()


def _children():
    """The processes that this test has started; those of the fixture are others."""
    me = psutil.Process(os.getpid())
    ours = [child for child in me.children() if "server.conversion.worker" in child.cmdline()]
    return [child for child in ours if child.pid not in _STANDING]


_STANDING: set[int] = set()


@pytest.fixture(autouse=True)
def standing_processes():
    _STANDING.clear()
    _STANDING.update(child.pid for child in _children())


@PROBES
@given(magic=st.sampled_from(MAGIC), rest=st.binary(max_size=2_000))
async def test_random_bytes_are_refused(workers, ordered, magic, rest):
    order = ordered(magic + rest)
    if order.kind is MediaKind.FILE:
        return
    outcome = await workers.convert(order)
    assert isinstance(outcome, Refused)
    assert not outcome.detail
    assert order.source not in outcome.problem


@PROBES
@given(seed=st.integers(0, 2**32), which=st.integers(0, 6), flips=st.integers(1, 60))
async def test_damaged_files_are_refused_or_shown(workers, ordered, samples, seed, which, flips):
    content = bytearray(samples[which % len(samples)])
    chance = random.Random(seed)
    for _ in range(flips):
        content[chance.randrange(len(content))] = chance.randrange(256)
    order = ordered(bytes(content))
    if sniff(bytes(content[:SNIFFED_BYTES])).kind is MediaKind.FILE:
        return
    outcome = await workers.convert(order)
    if isinstance(outcome, Made):
        for piece in outcome.pieces:
            assert (Path(order.target) / piece.name).stat().st_size == piece.bytes
    else:
        assert not outcome.detail, outcome.detail
        assert outcome.problem.endswith(".")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    videos = [
        ("mp4", "libx264", "aac"), ("webm", "libvpx", "libopus"), ("avi", "mpeg4", "libmp3lame")
    ]  # fmt: skip
    return [
        image_file("JPEG"), image_file("PNG"), animation("GIF"), animation("WEBP"),
        *(video_file(folder / args[0], *args, frames=8).read_bytes() for args in videos),
    ]  # fmt: skip
