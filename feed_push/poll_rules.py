"""What a vote in a poll may be."""

from collections.abc import Sequence

from protocol.errors import BAD_REQUEST, PlazaError


def check_vote(options: Sequence[int], *, count: int, multiple: bool) -> None:
    """Check that a vote fits its poll.

    Args:
        options: what is voted for: positions, from 0.
        count: how many options the poll has.
        multiple: whether several may be chosen.

    Raises:
        PlazaError: bad_request; the message names the problem.
    """
    if not options:
        raise PlazaError(BAD_REQUEST, "Choose an option, or withdraw your vote.")
    if len(set(options)) < len(options):
        raise PlazaError(BAD_REQUEST, "An option is chosen twice. Name each once.")
    if not all(0 <= option < count for option in options):
        raise PlazaError(BAD_REQUEST, f"The poll has the options 0 to {count - 1}. Choose of them.")
    if len(options) > 1 and not multiple:
        raise PlazaError(BAD_REQUEST, "This poll takes a single choice. Choose one option.")
