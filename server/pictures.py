"""Pictures that come from elsewhere: the same workers encode them, the same store keeps them."""

import asyncio
import secrets
from pathlib import Path

from persistence.previews import PreviewImage
from protocol.posts import MediaKind
from server.conversion.order import Made, Piece
from server.conversion.sniff import SNIFFED_BYTES, sniff
from server.conversion.workers import ConverterLost
from server.spool import Spool
from server.upload_conversion import Conversions
from server.uploads import KEY_BYTES

SIDE = 1080  # the largest that is kept, where there is one


class PagePictures:
    """Keeps the pictures of pages behind links."""

    def __init__(self, conversions: Conversions, spool: Spool) -> None:
        self._conversions = conversions
        self._spool = spool

    async def keep(self, picture: bytes) -> PreviewImage | None:
        """Encode a picture anew, small, and store it; None: it is none, or a broken one."""
        found = sniff(picture[:SNIFFED_BYTES])
        if found.kind is not MediaKind.IMAGE:
            return None
        with self._spool.workspace() as folder:
            source, target = Path(folder) / "source", Path(folder) / "made"
            await asyncio.to_thread(source.write_bytes, picture)
            try:
                made = await self._conversions.convert_file(source, target, found)
            except ConverterLost:
                return None
            if not isinstance(made, Made):
                return None
            piece = _fitting(made)
            key = secrets.token_urlsafe(KEY_BYTES)
            await self._conversions.store(key, [piece], target)
        return PreviewImage(
            key=key,
            name=piece.name,
            type=piece.type,
            bytes=piece.bytes,
            width=piece.width,
            height=piece.height,
            blurhash=made.blurhash,
        )


def _fitting(made: Made) -> Piece:
    """The best variant that is not too large."""
    return next(
        (p for p in made.pieces if max(p.width or 0, p.height or 0) <= SIDE), made.pieces[0]
    )
