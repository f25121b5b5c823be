"""What routes take in their paths, queries and headers."""

from typing import Annotated

from litestar.params import HeaderParameter, PathParameter, QueryParameter

from protocol.ids import Id

MAX_SEQ = 2**53 - 1

AccountId = Annotated[Id, PathParameter(description="Of the account")]
PostId = Annotated[Id, PathParameter(description="Of the post")]
CommentId = Annotated[Id, PathParameter(description="Of the comment")]
RoomId = Annotated[Id, PathParameter(description="Of the room")]
StreamId = Annotated[Id, PathParameter(description="Of the stream")]
SessionId = Annotated[Id, PathParameter(description="Of the session")]
MessageSeq = Annotated[
    int, PathParameter(ge=1, le=MAX_SEQ, description="Position of the message in the room's log")
]
Emoji = Annotated[
    str, PathParameter(min_length=1, max_length=64, description="An emoji or a short code")
]
LogPosition = Annotated[
    # Not ge=0: Litestar leaves a minimum of 0 out of the OpenAPI document.
    int | None,
    QueryParameter(gt=-1, le=MAX_SEQ, description="Position in the room's log"),
]
Cursor = Annotated[
    str | None, QueryParameter(description="`next_cursor` of the page before; none: the first page")
]
PageLimit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most")]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=64,
        description="Chosen by the client, unique per request: a retry with it has no second "
        "effect and gets the first result",
    ),
]
