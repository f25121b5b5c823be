"""What a comment may be, and who may change one.

Text is stored in NFC, so that what looks equal is equal. Control characters are refused rather than
dropped: silently changing what somebody said is worse than an error.
"""

import re
import unicodedata

from msgspec import Struct

from protocol.errors import BAD_REQUEST, FORBIDDEN, PlazaError
from protocol.ids import Id

MAX_COMMENT = 2_000  # characters, after normalisation

# C0 and C1 but tab and line feed; lone surrogates cannot be written as UTF-8.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Standing(Struct, frozen=True):
    """How somebody stands to a comment.

    Attributes:
        viewer: who wants something of it.
        author: who wrote it.
        host: who wrote the post.
        moderator: whether the viewer is one.
    """

    viewer: Id
    author: Id
    host: Id
    moderator: bool


def clean_comment(content: str) -> str:
    """Return the stored form of a comment's text.

    Raises:
        PlazaError: bad_request; the message names the problem.
    """
    content = unicodedata.normalize("NFC", content).replace("\r\n", "\n")
    if refused := _REFUSED.search(content):
        name = f"the control character U+{ord(refused[0]):04X}"
        raise PlazaError(BAD_REQUEST, f"A comment must not contain {name}. Leave it out.")
    if len(content) > MAX_COMMENT:
        raise PlazaError(
            BAD_REQUEST, f"A comment has at most {MAX_COMMENT} characters, this one {len(content)}."
        )
    if not content or content.isspace():
        raise PlazaError(BAD_REQUEST, "A comment must not be empty. Write something.")
    return content


def may_edit(standing: Standing) -> None:
    """Check that somebody may edit a comment. Raises PlazaError forbidden."""
    if standing.viewer != standing.author:
        raise PlazaError(FORBIDDEN, "This is somebody else's comment. Edit your own.")


def may_delete(standing: Standing) -> None:
    """Check that somebody may delete a comment. Raises PlazaError forbidden."""
    if not (standing.viewer in (standing.author, standing.host) or standing.moderator):
        raise PlazaError(
            FORBIDDEN,
            "This is somebody else's comment, on somebody else's post. Ask a moderator.",
        )
