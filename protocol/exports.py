"""The noun of what is kept of an account, to be taken away."""

from enum import StrEnum

from protocol.ids import Id
from protocol.posts import Url
from protocol.records import Record, Time


class ExportState(StrEnum):
    """Where an export is on its way."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class Export(Record, frozen=True):
    """A zip of everything that is kept of an account.

    Attributes:
        url: where it is fetched, by whoever knows it; absent until it is ready.
        bytes: of the zip.
        expires_at: when it is deleted.
    """

    id: Id
    state: ExportState
    at: Time
    url: Url | None = None
    bytes: int | None = None
    expires_at: Time | None = None
