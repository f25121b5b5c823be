"""The catalogue of errors: one code, one meaning, on the socket and over REST.

A client decides by the code; the message is for people and says what to do. Details that differ
from case to case (which field, which limit) go into the message, never into the code.
"""

from typing import NamedTuple


class ErrorSpec(NamedTuple):
    """One line of the catalogue.

    Attributes:
        code: stable name.
        status: HTTP status (RFC 9110) that REST answers with.
        retry: whether the same request can succeed later, unchanged.
        text: what happened and what to do, when nothing more precise is known.
    """

    code: str
    status: int
    retry: bool
    text: str


BAD_REQUEST = ErrorSpec(
    "bad_request", 400, False, "The request is malformed. Compare it with the documentation."
)
UNKNOWN_COMMAND = ErrorSpec(
    "unknown_command", 400, False, "There is no such command. Check the field t."
)
HELLO_REQUIRED = ErrorSpec(
    "hello_required", 401, False, "Send hello with an access token before any other command."
)
HELLO_REPEATED = ErrorSpec(
    "hello_repeated", 409, False, "This connection has said hello already. Open another one."
)
UNAUTHORIZED = ErrorSpec(
    "unauthorized", 401, False, "The access token is missing or not valid. Log in again."
)
TOKEN_EXPIRED = ErrorSpec(
    "token_expired", 401, False, "The access token has expired. Refresh it and try again."
)
INVALID_CREDENTIALS = ErrorSpec(
    "invalid_credentials", 401, False, "The name or the password is wrong. Check both."
)
REFRESH_REUSED = ErrorSpec(
    "refresh_reused",
    401,
    False,
    "This refresh token was used before, so its session has been revoked. Log in again.",
)
FORBIDDEN = ErrorSpec(
    "forbidden", 403, False, "Your role does not allow this. Ask an admin of the room."
)
BANNED = ErrorSpec(
    "banned", 403, False, "This account is banned from the room. Ask an admin of it."
)
BLOCKED = ErrorSpec(
    "blocked", 403, False, "One of you has blocked the other. Unblock the account, if it was you."
)
MUTED = ErrorSpec(
    "muted", 403, True, "You are muted in this room. Wait for retry_after seconds, or ask an admin."
)
NOT_FOUND = ErrorSpec(
    "not_found", 404, False, "There is nothing here that you can see. Check the id or address."
)
METHOD_NOT_ALLOWED = ErrorSpec(
    "method_not_allowed", 405, False, "This path does not take that method. See the header Allow."
)
USERNAME_TAKEN = ErrorSpec(
    "username_taken", 409, False, "Somebody has this username. Choose another one."
)
EMAIL_TAKEN = ErrorSpec(
    "email_taken", 409, False, "An account with this e-mail address exists. Log in instead."
)
NONCE_CONFLICT = ErrorSpec(
    "nonce_conflict", 409, False, "This nonce was used for something else. Use a new one."
)
LAST_OWNER = ErrorSpec(
    "last_owner", 409, False, "The room needs an owner. Promote somebody to owner first."
)
POLL_CLOSED = ErrorSpec(
    "poll_closed", 409, False, "The poll has closed. Its votes stand as they are."
)
MESSAGE_DELETED = ErrorSpec(
    "message_deleted", 410, False, "The message has been deleted. Nothing more can be done with it."
)
OFFSET_CONFLICT = ErrorSpec(
    "offset_conflict",
    409,
    False,
    "The upload does not go on there. Ask for its offset with HEAD, and go on from that.",
)
IN_USE = ErrorSpec(
    "in_use", 409, False, "Something shows this upload. Delete the post or message first."
)
UNSUPPORTED_VERSION = ErrorSpec(
    "unsupported_version",
    412,
    False,
    "This version of the upload protocol is not spoken here. Use the one in Tus-Version.",
)
STREAM_OFFLINE = ErrorSpec(
    "stream_offline", 409, True, "Nobody publishes this stream now. Try again later."
)
PRECONDITION_FAILED = ErrorSpec(
    "precondition_failed",
    412,
    False,
    "If-Match names an older state. Use the ETag of the last answer.",
)
PRECONDITION_REQUIRED = ErrorSpec(
    "precondition_required",
    428,
    False,
    "If-Match is missing. Send the ETag of the session; to restart ICE, send *.",
)
BAD_OFFER = ErrorSpec(
    "bad_offer", 400, False, "This is no session description that can be read. Check the offer."
)
UNSUPPORTED_OFFER = ErrorSpec(
    "unsupported_offer",
    422,
    False,
    "Nothing can come of this offer: no codec or kind of media fits. Offer H.264 or VP8, and Opus.",
)
UNSUPPORTED_MEDIA = ErrorSpec(
    "unsupported_media", 415, False, "The content cannot be used. Send it in another format."
)
RANGE_NOT_SATISFIABLE = ErrorSpec(
    "range_not_satisfiable",
    416,
    False,
    "There are no such bytes. See the header Content-Range for how many there are.",
)
TOO_LARGE = ErrorSpec("too_large", 413, False, "The request is too large. Send less at a time.")
RATE_LIMITED = ErrorSpec(
    "rate_limited", 429, True, "Too many requests. Wait for retry_after seconds."
)
SLOW_MODE = ErrorSpec(
    "slow_mode", 429, True, "The room is in slow mode. Wait for retry_after seconds."
)
TOO_MANY_CONNECTIONS = ErrorSpec(
    "too_many_connections", 429, True, "Too many connections are open. Close one of the others."
)
INTERNAL = ErrorSpec(
    "internal", 500, True, "The server failed to carry this out. Try again; tell us if it stays."
)
UNAVAILABLE = ErrorSpec(
    "unavailable", 503, True, "The database cannot be reached. Try again with the same nonce."
)
MEDIA_FULL = ErrorSpec(
    "media_full", 503, True, "The server carries as many streams or viewers as it can. Try later."
)
OVERLOADED = ErrorSpec(
    "overloaded", 503, True, "The server has more work than it can queue. Try again in a moment."
)

CATALOGUE: dict[str, ErrorSpec] = {
    spec.code: spec for spec in list(globals().values()) if isinstance(spec, ErrorSpec)
}


class PlazaError(Exception):
    """A request was refused. The culprit is the caller, or passing circumstances; not a bug.

    Args:
        spec: the line of the catalogue.
        message: what happened and what to do; the catalogue's text by default.
        retry_after: seconds after which another try makes sense.
    """

    def __init__(
        self, spec: ErrorSpec, message: str | None = None, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message or spec.text)
        self.spec = spec
        self.message = message or spec.text
        self.retry_after = retry_after
