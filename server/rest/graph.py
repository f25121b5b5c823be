"""Who follows whom: /accounts/{account}/follow and the like, /me/follow-requests, /me/friends."""

from typing import Annotated

from litestar import Controller, delete, get, put
from litestar.params import QueryParameter

from protocol import errors
from protocol.ids import Id
from protocol.posts import Relationship
from server.graph import Graph
from server.rest.cursors import cursor_after, place_before
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit
from server.rest.people_bodies import PeoplePage, Relationships
from server.rest.wire import Injected
from server.tokens import Claims

LISTED = (
    "The newest follow first. Left out are accounts that one has blocked, or that have blocked one."
    " The lists of an account that lets its followers in one by one are for these alone."
)


class Follows(Controller):
    """How one stands to an account."""

    path = "/accounts/{account:str}"
    tags = ["people"]

    @put(
        "/follow",
        summary="Follow an account",
        description="Of an account with the visibility `followers` it is a request: `requested` "
        "until it is answered.",
        responses=refusals(errors.NOT_FOUND, errors.BLOCKED),
    )
    async def follow_account(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Follow an account."""
        return await graph.follow(caller.account, account)

    @delete(
        "/follow",
        status_code=200,
        summary="Follow an account no longer",
        description="Or withdraw the request.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def unfollow_account(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Unfollow an account."""
        return await graph.unfollow(caller.account, account)

    @delete(
        "/follower",
        status_code=200,
        summary="Remove a follower",
        description="It follows one no longer, nor asks to. It is not told.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def remove_follower(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Remove a follower."""
        return await graph.remove_follower(caller.account, account)

    @put(
        "/close",
        summary="Hear of an account first",
        description="Of one that one follows. Nobody else is told.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def mark_close(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Mark an account as close."""
        return await graph.set_close(caller.account, account, close=True)

    @delete(
        "/close",
        status_code=200,
        summary="Hear of an account first no longer",
        responses=refusals(errors.NOT_FOUND),
    )
    async def unmark_close(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Mark an account as close no longer."""
        return await graph.set_close(caller.account, account, close=False)

    @get(
        "/followers",
        summary="List who follows an account",
        description=LISTED,
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_followers(
        self,
        account: AccountId,
        caller: Injected[Claims],
        graph: Injected[Graph],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """List followers."""
        people, more = await graph.followers(
            caller.account, account, before=place_before(cursor), limit=limit
        )
        return PeoplePage(items=people, next_cursor=cursor_after(more))

    @get(
        "/following",
        summary="List whom an account follows",
        description=LISTED,
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_following(
        self,
        account: AccountId,
        caller: Injected[Claims],
        graph: Injected[Graph],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """List followed accounts."""
        people, more = await graph.following(
            caller.account, account, before=place_before(cursor), limit=limit
        )
        return PeoplePage(items=people, next_cursor=cursor_after(more))

    @get(
        "/mutuals",
        summary="List the followers of an account whom one follows",
        description="Whom one has in common with it. " + LISTED,
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_mutuals(
        self,
        account: AccountId,
        caller: Injected[Claims],
        graph: Injected[Graph],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """List followers whom one follows."""
        people, more = await graph.known_followers(
            caller.account, account, before=place_before(cursor), limit=limit
        )
        return PeoplePage(items=people, next_cursor=cursor_after(more))


class OwnGraph(Controller):
    """One's friends, and who asks to follow one."""

    path = "/me"
    tags = ["people"]

    @get(
        "/friends",
        summary="List one's friends",
        description="Whom one follows, and who follow one. The one followed last comes first.",
        responses=refusals(),
    )
    async def list_friends(
        self,
        caller: Injected[Claims],
        graph: Injected[Graph],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """List friends."""
        people, more = await graph.friends(caller.account, before=place_before(cursor), limit=limit)
        return PeoplePage(items=people, next_cursor=cursor_after(more))

    @get(
        "/follow-requests",
        summary="List who asks to follow one",
        description="The newest request first.",
        responses=refusals(),
    )
    async def list_follow_requests(
        self,
        caller: Injected[Claims],
        graph: Injected[Graph],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """List requests."""
        people, more = await graph.requests(
            caller.account, before=place_before(cursor), limit=limit
        )
        return PeoplePage(items=people, next_cursor=cursor_after(more))

    @put(
        "/follow-requests/{account:str}",
        summary="Let in who asks to follow one",
        responses=refusals(errors.NOT_FOUND),
    )
    async def accept_follow_request(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> Relationship:
        """Accept a request."""
        return await graph.accept(caller.account, account)

    @delete(
        "/follow-requests/{account:str}",
        summary="Refuse who asks to follow one",
        description="It is not told, and may ask again; block it to prevent that.",
        responses=refusals(),
    )
    async def refuse_follow_request(
        self, account: AccountId, caller: Injected[Claims], graph: Injected[Graph]
    ) -> None:
        """Refuse a request."""
        await graph.refuse(caller.account, account)

    @get(
        "/relationships",
        summary="Show how one stands to accounts",
        description="In their order, each once. Accounts that one cannot see are left out.",
        responses=refusals(),
    )
    async def show_relationships(
        self,
        caller: Injected[Claims],
        graph: Injected[Graph],
        account: Annotated[
            list[Id], QueryParameter(min_items=1, max_items=100, description="Repeated for each")
        ],
    ) -> Relationships:
        """Show relationships."""
        return Relationships(items=await graph.relationships(caller.account, account))
