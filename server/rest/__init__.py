"""The HTTP interface under /api/v1, on Litestar. `build` makes it.

A map, in reading order:

    app             the application: routes, and what surrounds each request
    ports           what it needs from the rest of the process
    authentication  Authorization: Bearer
    accounts        /accounts, /me
    relations       /me/blocks, /me/mutes, /me/settings
    profiles        /accounts/{account}
    graph           /accounts/{account}/follow and the like, /me/friends, /me/follow-requests,
                    /me/relationships
    sessions        /sessions
    rooms           /rooms, /rooms/{room}, /rooms/{room}/events
    messages        /rooms/{room}/messages
    members         /rooms/{room}/members
    pins            /rooms/{room}/pins
    receipts        /rooms/{room}/read, /rooms/{room}/receipts, /rooms/{room}/me, /me/read-all
    moderation      /rooms/{room}/bans, /rooms/{room}/members/{account}/mute
    search          /search/messages
    engagement      /posts/{post}/like, /posts/{post}/vote, /posts/{post}/bookmark, /me/bookmarks
    comments        /posts/{post}/comments, /comments/{comment}
    uploads         /uploads, with upload_bodies and upload_docs; media: /media, with ranges
    streams         /streams, /me/streams, with stream_bodies
    trends          /trends/tags, /trends/posts
    exports         /me/exports, /exports
    entries         what a write to a room is answered with
    bodies          what is taken and given besides the protocol's own records
    parameters      what stands in paths, queries and headers
    cursors         pages of lists
    wire            ids and bodies, in and out of Litestar
    errors          one shape for every error
    openapi         /api/v1/schema
    docs            /api/v1/docs
    operations      /healthz, /readyz, /metrics
    web             /: the files of web/

Controllers are thin: parse, call one function, shape the answer. The rules are in server/auth.py
and in rooms/, where the socket's commands obey the same ones.
"""

from server.rest.app import build
from server.rest.operations import metrics_only
from server.rest.ports import Services

__all__ = ["Services", "build", "metrics_only"]
