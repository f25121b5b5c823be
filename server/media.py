"""What is fetched below /media: variants of uploads, and where they are."""

from collections import OrderedDict
from collections.abc import AsyncIterator

from persistence import uploads
from persistence.database import Database
from persistence.media_rows import StoredVariant
from persistence.objects import NoSuchObject, Objects
from persistence.uploads import Served
from protocol.errors import NOT_FOUND, PlazaError
from server.upload_conversion import object_path

REMEMBERED = 20_000  # uploads whose variants are in memory: some 500 bytes each


class Media:
    """Finds and reads variants.

    What is below a key never changes, so it is remembered. When it is deleted, the object store
    says so.
    """

    def __init__(self, database: Database, objects: Objects) -> None:
        self._database = database
        self._objects = objects
        self._known: OrderedDict[str, Served] = OrderedDict()

    async def find(self, key: str, name: str) -> tuple[Served, StoredVariant]:
        """The variant at an address. Raises PlazaError: not_found."""
        served = self._known.get(key) or await self._look_up(key)
        self._known.move_to_end(key)
        for variant in served.variants:
            if variant.name == name:
                return served, variant
        raise PlazaError(NOT_FOUND)

    async def read(self, key: str, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Bytes of a variant that was found. Raises PlazaError: not_found."""
        try:
            return await self._objects.read(object_path(key, name), start, stop)
        except NoSuchObject:
            self._known.pop(key, None)
            raise PlazaError(NOT_FOUND) from None

    async def _look_up(self, key: str) -> Served:
        async with self._database.connection() as connection:
            served = await uploads.served(connection, key)
        if served is None:
            raise PlazaError(NOT_FOUND)
        self._known[key] = served
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return served
