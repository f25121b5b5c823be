"""Where a post is in its life, where it may go from there, and who may take it there.

    draft <-> scheduled -> published <-> under_review, flagged -> deleted
       '---------------------^

Authors bring their posts out; moderators hold back what is out, and let it out again. What was out
is never a draft again: others have read it. Everything may be deleted, and nothing comes back.
"""

from protocol.errors import BAD_REQUEST, FORBIDDEN, PlazaError
from protocol.posts import PostStatus

UNPUBLISHED = frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED})
HELD = frozenset({PostStatus.UNDER_REVIEW, PostStatus.FLAGGED})
OUT = HELD | {PostStatus.PUBLISHED}

BIRTHS = UNPUBLISHED | {PostStatus.PUBLISHED}
"""What a new post may be."""


def check_step(present: PostStatus, wanted: PostStatus, *, moderator: bool) -> None:
    """Check that somebody may change the state of a post that they may change at all.

    Args:
        moderator: they are one.

    Raises:
        PlazaError: bad_request, forbidden.
    """
    if wanted is present:
        return
    if wanted is PostStatus.DELETED:
        raise PlazaError(BAD_REQUEST, "A post is deleted with DELETE.")
    if present in UNPUBLISHED:
        if wanted in HELD:
            raise PlazaError(BAD_REQUEST, "Only what is published can be held back.")
        return
    if wanted in UNPUBLISHED:
        raise PlazaError(BAD_REQUEST, "A post that was published cannot become a draft again.")
    if not moderator:
        raise PlazaError(FORBIDDEN, "Only moderators hold posts back, and let them out again.")
