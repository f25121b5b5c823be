"""The object store: a folder, or a bucket of S3, Google or Azure. Everything in it is streamed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from protocol.errors import UNAVAILABLE, PlazaError

PUT_BYTES = 8 * 2**20  # of a part of a large object; two of them are in memory
READ_BYTES = 256 * 2**10  # handed on at a time


class ObjectStoreError(Exception):
    """The store cannot be what the setting says. The message is for the operator."""


class NoSuchObject(Exception):
    """There is no object of that name."""


class Objects:
    """Objects by their path, such as `media/KEY/original`.

    Its methods raise PlazaError UNAVAILABLE when the store cannot be reached.

    Args:
        store: of obstore.
        is_shared: whoever shares the database shares this store, and perhaps no folder.
    """

    def __init__(self, store: ObjectStore, *, is_shared: bool) -> None:
        self._store = store
        self.is_shared = is_shared

    @classmethod
    def open(cls, url: str, folder: Path) -> "Objects":
        """The store that the setting `uploads.store` names.

        Args:
            url: of a bucket; empty: the folder. Its keys are in the environment (AWS_ACCESS_KEY_ID
                and so on), where the provider's own tools look for them.
            folder: made when the first object is put.

        Raises:
            ObjectStoreError: no store has such a URL.
        """
        if not url:
            return _Folder(folder)
        try:
            store = from_url(url)
        except (BaseError, ValueError, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise ObjectStoreError(
                f"uploads.store names no store: {reason}. Give the URL of a bucket, such as "
                "s3://name/path, or leave it empty."
            ) from None
        return cls(store, is_shared=not isinstance(store, LocalStore | MemoryStore))

    async def put(self, path: str, source: Path | bytes) -> None:
        """Store an object. It is there as a whole, or not at all."""
        with _unavailable_when_unreachable():
            await obstore.put_async(
                self._opened(), path, source, chunk_size=PUT_BYTES, max_concurrency=2
            )

    async def read(self, path: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes of an object from `start` to before `stop`, a piece at a time.

        Raises:
            NoSuchObject
        """
        with _unavailable_when_unreachable():
            try:
                found = await obstore.get_async(
                    self._opened(), path, options={"range": (start, stop)}
                )
            except FileNotFoundError:
                raise NoSuchObject(path) from None
        return _pieces(found)

    async def fetch(self, path: str, to: Path) -> None:
        """Copy an object into a file.

        Raises:
            NoSuchObject
        """
        with _unavailable_when_unreachable():
            try:
                found = await obstore.get_async(self._opened(), path)
            except FileNotFoundError:
                raise NoSuchObject(path) from None
        with to.open("wb") as file:
            async for piece in _pieces(found):
                file.write(piece)

    async def delete(self, *paths: str) -> None:
        """Delete objects. Those that are not there are no error."""
        with _unavailable_when_unreachable():
            for path in paths:
                try:
                    await obstore.delete_async(self._opened(), path)
                except FileNotFoundError:
                    continue

    async def delete_below(self, prefix: str) -> int:
        """Delete all objects below a path. Returns how many there were."""
        paths = await self.paths(prefix)
        await self.delete(*paths)
        return len(paths)

    async def paths(self, prefix: str = "") -> list[str]:
        """The paths of all objects below a path, all of them if it is empty."""
        with _unavailable_when_unreachable():
            batches = obstore.list(self._opened(), prefix or None)
            return [meta["path"] async for batch in batches for meta in batch]

    def _opened(self) -> ObjectStore:
        return self._store


class _Folder(Objects):
    """A folder, which is made when it is first needed: many a server takes no uploads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.is_shared = False

    def _opened(self) -> ObjectStore:
        if not hasattr(self, "_store"):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store = LocalStore(self._folder, automatic_cleanup=True)
        return self._store


async def _pieces(found: "obstore.GetResult") -> AsyncIterator[bytes]:
    with _unavailable_when_unreachable():
        async for piece in found.stream(min_chunk_size=READ_BYTES):
            yield bytes(piece)


@contextmanager
def _unavailable_when_unreachable() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise PlazaError(
            UNAVAILABLE,
            "The object store cannot be reached. Try again in a moment.",
            retry_after=5.0,
        ) from error
