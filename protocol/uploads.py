"""The noun of what people upload."""

from enum import StrEnum

from protocol.ids import Id
from protocol.posts import Media
from protocol.records import Record


class UploadState(StrEnum):
    """Where an upload is on its way. Only a ready one can be shown somewhere."""

    RECEIVING = "receiving"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"


class Upload(Record, frozen=True):
    """An upload as its owner sees it.

    Attributes:
        length: bytes, as declared; absent where nothing was.
        received: bytes.
        media: as it is shown; absent until it is ready.
        problem: why it failed, and what to do.
    """

    id: Id
    state: UploadState
    name: str = ""
    alt: str = ""
    length: int | None = None
    received: int = 0
    media: Media | None = None
    problem: str | None = None
