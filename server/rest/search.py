"""/search: messages of the rooms that one is in."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from server.rest.bodies import HitPage
from server.rest.cursors import cursor_at, found_position
from server.rest.errors import refusals
from server.rest.parameters import Cursor
from server.rest.wire import Injected
from server.search import Search
from server.tokens import Claims

DESCRIPTION = """\
The best matches first: those with more of the words, closer together, and newer. All of it has to \
hold:

- `engine`: messages with a word that begins so; fewer than three letters are a whole word. Case \
and accents do not matter.
- `"steam engine"`: these words, whole and in this order.
- `-steam`: messages without it. `-"steam engine"`, `-from:` and `-in:` work alike.
- `from:ada`: written by ada; `from:me`: by oneself. Several: by any of them.
- `in:ROOM`: in a room, given by its id or its title (`in:#engines`, `in:"Steam engines"`), or \
`in:@ada`, the dm with ada. Several: in any of them.
- `before:2026-11-01`, `after:2026-11-01`: before or after that day (UTC), or a moment, such as \
`before:2026-11-01T18:30:00Z`.

Of a word that is in very many messages, the newest 2,000 are looked at.\
"""


class MessageSearch(Controller):
    """Search messages."""

    path = "/search/messages"
    tags = ["messages"]

    @get(summary="Search messages", description=DESCRIPTION, responses=refusals())
    async def search_messages(
        self,
        caller: Injected[Claims],
        search: Injected[Search],
        q: Annotated[
            str, QueryParameter(min_length=1, max_length=500, description="What is searched for")
        ],
        cursor: Cursor = None,
        limit: Annotated[int, QueryParameter(ge=1, le=50, description="How many at most")] = 20,
    ) -> HitPage:
        """Search messages."""
        hits, position = await search.messages(
            caller.account, q, after=found_position(cursor), limit=limit
        )
        return HitPage(items=hits, next_cursor=cursor_at(position))
