"""REST: files, to be shown in messages, posts and profiles.

What has a known size goes in parts: when a connection breaks, what has come is not sent again.
"""

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from plaza_client.backoff import FullJitter
from plaza_client.errors import AnswerTimeout, PlazaRefused, Unreachable
from plaza_client.rest_requests import Requests, shaped
from protocol.errors import OFFSET_CONFLICT, TOKEN_EXPIRED
from protocol.uploads import Upload, UploadState

PART_BYTES = 8 * 2**20
READ_BYTES = 256 * 2**10
TRIES = 5  # of a part, when nothing of it arrives
POLL_SECONDS = 0.5

_TUS = {"Tus-Resumable": "1.0.0"}


class UploadRequests(Requests):
    """The requests about uploads. Part of Rest."""

    async def upload(
        self,
        content: bytes | Path | AsyncIterable[bytes],
        *,
        name: str | None = None,
        alt: str | None = None,
        part_bytes: int = PART_BYTES,
    ) -> Upload:
        """Send a file.

        Args:
            content: the file, or its path, or its pieces; of pieces whose end is not known a
                connection that breaks loses all.
            name: of the file; that of the path by default.
            alt: what it shows, in words.
            part_bytes: sent at a time.

        Returns:
            The upload: `ready`, or, of a video or sound, `processing`: see `upload_ready`.

        Raises:
            PlazaRefused: too_large, unsupported_media, and others.
            Unreachable: several times in succession.
        """
        params = {"name": name, "alt": alt}
        if isinstance(content, Path):
            params["name"] = content.name if name is None else name
        given = {key: value for key, value in params.items() if value is not None}
        if isinstance(content, AsyncIterable):
            return shaped(self._body(await self._raw("POST", "/uploads", content, given)), Upload)
        if isinstance(content, Path):
            length = (await asyncio.to_thread(content.stat)).st_size
        else:
            length = len(content)
        headers = {**_TUS, "Upload-Length": str(length)}
        begun = self._body(await self._raw("POST", "/uploads", b"", given, headers))
        upload = shaped(begun, Upload)
        await self._send_parts(upload.id, content, length, part_bytes)
        return await self.show_upload(upload.id)

    async def upload_ready(self, upload: int, *, within: float = 600.0) -> Upload:
        """Wait until an upload is `ready` or `failed`.

        Args:
            within: seconds.

        Raises:
            AnswerTimeout
            PlazaRefused: not_found, and others.
        """
        try:
            async with asyncio.timeout(within):
                while True:
                    shown = await self.show_upload(upload)
                    if shown.state in (UploadState.READY, UploadState.FAILED):
                        return shown
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AnswerTimeout(f"Upload {upload} is not ready after {within} seconds.") from None

    async def uploads(self) -> list[Upload]:
        """One's uploads, newest first."""
        return shaped(await self._all("/uploads"), list[Upload])

    async def show_upload(self, upload: int) -> Upload:
        """An upload of one's own. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/uploads/{upload}"), Upload)

    async def describe_upload(
        self, upload: int, *, name: str | None = None, alt: str | None = None
    ) -> Upload:
        """Change what is said of an upload; None: it stays. Raises PlazaRefused not_found."""
        fields = {key: value for key, value in (("name", name), ("alt", alt)) if value is not None}
        return shaped(await self._call("PATCH", f"/uploads/{upload}", fields), Upload)

    async def delete_upload(self, upload: int) -> None:
        """Delete an upload. Raises PlazaRefused not_found, in_use."""
        await self._call("DELETE", f"/uploads/{upload}")

    async def _send_parts(
        self, upload: int, content: bytes | Path, length: int, part_bytes: int
    ) -> None:
        path, offset, tries = f"/uploads/{upload}", 0, 0
        delays = FullJitter(random.random, base=0.2, cap=10.0)
        while offset < length:
            stop = min(offset + part_bytes, length)
            headers = {
                **_TUS,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(stop - offset),
            }
            try:
                part = _pieces(content, offset, stop)
                answer = await self._raw("PATCH", path, part, headers=headers)
                self._body(answer)
                offset, tries = int(answer.headers["Upload-Offset"]), 0
                delays.reset()
            except (Unreachable, PlazaRefused) as error:
                if not _passes(error):
                    raise
                tries += 1
                if tries > TRIES:
                    raise
                await asyncio.sleep(delays.next())
                offset = await self._offset_of(path, offset)

    async def _offset_of(self, path: str, known: int) -> int:
        """How much of an upload the server has."""
        try:
            answer = await self._raw("HEAD", path, headers=_TUS)
        except Unreachable:
            return known
        return int(answer.headers.get("Upload-Offset", known))

    async def _raw(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes] | None = None,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Make a request whose body is no JSON. A body that can be read once is sent once."""
        answer = await self._once(method, path, content, params, headers)
        if answer.status_code == TOKEN_EXPIRED.status and self.refresh_token is not None:
            await self.refresh()
            if not isinstance(content, AsyncIterable):
                answer = await self._once(method, path, content, params, headers)
        return answer

    async def _once(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterable[bytes] | None,
        params: dict[str, str] | None,
        headers: dict[str, str] | None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if self.access_token is not None:
            sent["Authorization"] = f"Bearer {self.access_token}"
        try:
            return await self._http.request(
                method, path, content=content, params=params, headers=sent
            )
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
            raise Unreachable(f"Nothing answers at {self._url}: {problem}.") from None


def _passes(error: Exception) -> bool:
    """Whether going on from where the server is may help."""
    if not isinstance(error, PlazaRefused):
        return True
    return error.code in (OFFSET_CONFLICT.code, TOKEN_EXPIRED.code, "unavailable")


async def _pieces(content: bytes | Path, start: int, stop: int) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        for at in range(start, stop, READ_BYTES):
            yield content[at : min(at + READ_BYTES, stop)]
        return
    file: Any = await asyncio.to_thread(content.open, "rb")
    with file:
        file.seek(start)
        while start < stop:
            piece = await asyncio.to_thread(file.read, min(READ_BYTES, stop - start))
            if not piece:
                return
            start += len(piece)
            yield piece
