"""Posts that people have published before a run, so that home timelines have something to show."""

from collections.abc import Callable, Sequence
from uuid import uuid4

from loadtest.crowd.orders import Person
from loadtest.endpoint import TargetError
from loadtest.preparing.calls import Calls, each
from plaza_client.errors import PlazaRefused

_TEXT = "What there was before: a post as people write them, a line, more or less."


async def publish(
    url: str, people: Sequence[Person], posts: int, progress: Callable[[str, int, int], None]
) -> None:
    """Let everybody publish so many, and then look at the home timeline: that has it filled.

    Args:
        url: of the server.
        people: each with a token.
        posts: of each.
        progress: is told how it goes.

    Raises:
        TargetError: the server does not take them.
    """
    async with Calls(url) as calls:

        async def post(person: Person) -> None:
            # With a key, as a request that is repeated must not post twice.
            await calls.call(
                "POST",
                "/posts",
                {"type": "text", "content": _TEXT},
                token=person.token,
                headers={"Idempotency-Key": str(uuid4())},
            )

        async def look(person: Person) -> None:
            await calls.call("GET", "/feed", token=person.token)

        authors, readers = list(people) * posts, list(people)
        try:
            await each(
                post, authors, done=lambda done: progress("Making posts", done, len(authors))
            )
            await each(
                look, readers, done=lambda done: progress("Filling timelines", done, len(readers))
            )
        except PlazaRefused as refusal:
            raise TargetError(f"A post cannot be published or read: {refusal}") from None
