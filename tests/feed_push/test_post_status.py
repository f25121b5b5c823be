"""From which state to which a post may go, and who may take it there."""

import itertools

import pytest

from feed_push.post_status import BIRTHS, HELD, OUT, UNPUBLISHED, check_step
from protocol.errors import BAD_REQUEST, FORBIDDEN, PlazaError
from protocol.posts import PostStatus

PRESENT = UNPUBLISHED | OUT
STEPS = list(itertools.product(sorted(PRESENT), PostStatus))


def outcome(present, wanted, *, moderator):
    try:
        check_step(present, wanted, moderator=moderator)
    except PlazaError as refusal:
        return refusal.spec
    return None


@pytest.mark.parametrize(("present", "wanted"), STEPS)
def test_every_step(present, wanted):
    author = outcome(present, wanted, moderator=False)
    moderator = outcome(present, wanted, moderator=True)
    if present is wanted or (present in UNPUBLISHED and wanted in BIRTHS):
        assert author is moderator is None
    elif present in OUT and wanted in OUT:
        assert (author, moderator) == (FORBIDDEN, None)
    else:
        assert author is moderator is BAD_REQUEST


def test_nobody_but_moderators_lets_out_what_is_held():
    for held in HELD:
        assert outcome(held, PostStatus.PUBLISHED, moderator=False) is FORBIDDEN
