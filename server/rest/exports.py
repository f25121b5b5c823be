"""/me/exports: everything that is kept of one's account, to be taken away."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, PathParameter
from litestar.response import Stream

from protocol import errors
from protocol.errors import NOT_FOUND, PlazaError
from protocol.exports import Export
from protocol.ids import Id
from server.exports import NO_SUCH_EXPORT, Exports
from server.rest.errors import refusals
from server.rest.wire import Injected
from server.tokens import Claims

ExportId = Annotated[Id, PathParameter(description="Of the export")]


class OwnExports(Controller):
    """Exports of one's account."""

    path = "/me/exports"
    tags = ["accounts"]

    @post(
        status_code=202,
        summary="Ask for an export of one's account",
        description="A zip with everything that is kept of the account, made in a while; see there "
        "until it is `ready`. It is kept for a week. Whoever asks again while one is under way, or "
        "within an hour, gets that one.",
        responses=refusals(),
    )
    async def request_export(self, caller: Injected[Claims], exports: Injected[Exports]) -> Export:
        """Ask for an export."""
        return await exports.request(caller.account)

    @get(
        "/{export:str}",
        summary="Show an export of one's account",
        description="When it is `ready`, it is fetched from `url`, without a token: whoever knows "
        "the address may.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def show_export(
        self, export: ExportId, caller: Injected[Claims], exports: Injected[Exports]
    ) -> Export:
        """Look an export up."""
        return await exports.show(caller.account, export)


def export_files(exports: Exports) -> HTTPRouteHandler:
    """The route of all zips."""

    @get("/exports/{key:str}", include_in_schema=False)
    async def fetch_export(key: FromPath[str]) -> Stream:
        """Send an export."""
        if not (key.isascii() and key.isprintable()):
            raise PlazaError(NOT_FOUND, NO_SUCH_EXPORT)
        length, content = await exports.read(key)
        return Stream(
            content,
            headers={
                "Content-Length": str(length),
                "Content-Disposition": 'attachment; filename="plaza-export.zip"',
                "Cache-Control": "no-store",
            },
            media_type="application/zip",
        )

    return fetch_export
