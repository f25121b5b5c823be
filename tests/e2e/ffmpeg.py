"""FFmpeg as a publisher, in a process of its own, to be killed."""

import asyncio
import contextlib
import sys


class FFmpeg:
    """`tests.e2e.ffmpeg_publisher`, running. Use `await FFmpeg.start(...)`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, url: str, key: str, *options: str) -> "FFmpeg":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.e2e.ffmpeg_publisher", url, key, *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def connected(self) -> None:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 20)
        assert line == b"connected\n", line

    async def end(self) -> str:
        """As who closes it; what it complained about."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        _, complaints = await asyncio.wait_for(self.process.communicate(), 20)
        return complaints.decode()

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()
