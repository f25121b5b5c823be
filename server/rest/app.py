"""The Litestar application: routes, and what surrounds each request."""

from typing import Any

from litestar import Controller, Litestar, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import Message, Scope

from protocol.ids import Id
from server.auth import Auth, Origin
from server.rest.accounts import Accounts, Me
from server.rest.authentication import BearerAuthentication
from server.rest.comments import OneComment, PostComments
from server.rest.docs import docs_page
from server.rest.engagement import Bookmarks, Likes, OwnBookmarks, Votes
from server.rest.errors import HANDLERS
from server.rest.exports import OwnExports, export_files
from server.rest.feed import HomeFeed
from server.rest.graph import Follows, OwnGraph
from server.rest.media import media_files
from server.rest.members import Members
from server.rest.messages import Messages
from server.rest.moderation import Bans, Mutes
from server.rest.openapi import API, openapi_config
from server.rest.operations import operations
from server.rest.pins import Pins
from server.rest.ports import Services
from server.rest.post_lists import AuthorPosts, Drafts, TagPosts
from server.rest.posts import PostPages, Shares
from server.rest.profiles import ProfilePages
from server.rest.receipts import AllMarkers, Markers
from server.rest.relations import Blocks, MutedAccounts, Settings
from server.rest.rooms import Rooms
from server.rest.search import MessageSearch
from server.rest.sessions import Sessions
from server.rest.signalling import Signalling
from server.rest.streams import OwnStreams, StreamRoutes
from server.rest.trends import TrendLists
from server.rest.uploads import UploadPages
from server.rest.web import web_files
from server.rest.whep import whep_routes
from server.rest.whep_extensions import extension_routes
from server.rest.whip import whip_routes
from server.rest.wire import IdSchema, PlazaRequest, decode_id, is_id
from server.tokens import Claims

ROUTES: list[type[Controller]] = [
    Accounts,
    Me,
    OwnExports,
    ProfilePages,
    Follows,
    OwnGraph,
    Blocks,
    MutedAccounts,
    Settings,
    Sessions,
    Rooms,
    Messages,
    Members,
    Pins,
    Bans,
    Mutes,
    Markers,
    AllMarkers,
    MessageSearch,
    TrendLists,
    HomeFeed,
    PostPages,
    Shares,
    AuthorPosts,
    TagPosts,
    Drafts,
    Likes,
    Votes,
    Bookmarks,
    OwnBookmarks,
    PostComments,
    OneComment,
    UploadPages,
    StreamRoutes,
    OwnStreams,
]
"""Below /api/v1, in the order of the documentation."""


def build(services: Services) -> Litestar:
    """Make the ASGI application.

    Args:
        services: what the routes need.
    """
    auth = Auth(
        database=services.database,
        passwords=services.passwords,
        tokens=services.tokens,
        throttles=services.throttles,
        mint=services.mint,
        clock=services.clock,
        refresh_days=services.config.auth.refresh_token_days,
        close_sessions=services.chat.close_sessions,
    )
    api = Router(
        API,
        route_handlers=ROUTES,
        middleware=[lambda app: BearerAuthentication(app, auth=auth, admission=services.admission)],
        dependencies=_dependencies(services, auth),
    )
    return Litestar(
        [
            *(api, docs_page, web_files(), media_files(services.uploading.media)),
            export_files(services.chores.exports),
            *operations(services),
            *_live_routes(services, auth),
        ],
        request_class=PlazaRequest,
        request_max_body_size=services.config.limits.request_bytes or None,
        type_encoders={Id: str},
        type_decoders=[(is_id, decode_id)],
        exception_handlers=HANDLERS,
        before_send=[_add_headers],
        plugins=[IdSchema()],
        openapi_config=openapi_config(),
        logging_config=None,
    )


def _live_routes(services: Services, auth: Auth) -> list[HTTPRouteHandler]:
    if services.live is None:
        return []
    signalling = Signalling(
        live=services.live,
        auth=auth,
        admission=services.admission,
        throttles=services.throttles,
        config=services.config,
        clock=services.clock,
    )
    return [
        *whip_routes(signalling),
        *whep_routes(signalling),
        *extension_routes(signalling),
    ]


def _dependencies(services: Services, auth: Auth) -> dict[str, Provide]:
    """What handlers get by the names of their parameters."""
    return {
        "auth": _constant(auth),
        "chat": _constant(services.chat),
        "receipts": _constant(services.receipts),
        "relations": _constant(services.relations),
        "profiles": _constant(services.feeds.profiles),
        "graph": _constant(services.feeds.graph),
        "search": _constant(services.search),
        "timelines": _constant(services.feeds.timelines),
        "database": _constant(services.database),
        "posts": _constant(services.feeds.posts),
        "post_changes": _constant(services.feeds.post_changes),
        "engagement": _constant(services.feeds.engagement),
        "comments": _constant(services.feeds.comments),
        "caller": Provide(_caller, sync_to_thread=False),
        "uploads": _constant(services.uploading.uploads),
        "exports": _constant(services.chores.exports),
        "trends": _constant(services.chores.trends),
        "streams": _constant(services.streaming.streams),
        "stream_pages": _constant(services.streaming.pages),
        "visitor": Provide(_visitor, sync_to_thread=False),
        "origin": Provide(_origin, sync_to_thread=False),
    }


def _constant(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _caller(request: PlazaRequest) -> Claims:
    return request.auth


def _visitor(request: PlazaRequest) -> Claims | None:
    return request.auth


def _origin(request: PlazaRequest) -> Origin:
    return Origin(
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )


# A coroutine: anything else Litestar runs in a thread, twice for each answer.
async def _add_headers(message: Message, scope: Scope) -> None:
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    if scope["path"].startswith("/api/"):
        headers["Cache-Control"] = "no-store"
