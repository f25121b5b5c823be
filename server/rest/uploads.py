"""/uploads: files, sent at once or in parts.

The parts are those of tus 1.0.0 (https://tus.io/protocols/resumable-upload), so that its clients
work: core, creation, creation-with-upload and termination.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, get, head, patch, post, route
from litestar.enums import HttpMethod
from litestar.exceptions import InternalServerException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from protocol import errors
from protocol.codec import load_json
from protocol.errors import BAD_REQUEST, TOO_LARGE, UNSUPPORTED_MEDIA, PlazaError
from protocol.ids import MAX_ID, Id
from protocol.records import NO_CONTROLS
from protocol.uploads import Upload, UploadState
from server.rest.cursors import cursor_after, position_of
from server.rest.errors import answer, refusals
from server.rest.openapi import API
from server.rest.parameters import Cursor, PageLimit
from server.rest.upload_bodies import MAX_ALT, MAX_NAME, UploadChanges, UploadPage, described_by
from server.rest.upload_docs import Patched, Sent
from server.rest.wire import Injected, PlazaRequest
from server.tokens import Claims
from server.uploads import OffsetConflict, Uploads

TUS = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination"
PART = "application/offset+octet-stream"
NOT_STORED = {"Cache-Control": "no-store"}
CHANGES_BYTES = 65_536
MAX_LENGTH = 2**53 - 1

UploadId = Annotated[Id, PathParameter(description="Of the upload")]
Name = Annotated[
    str | None, QueryParameter(max_length=MAX_NAME, pattern=NO_CONTROLS, description="Of the file")
]
Alt = Annotated[
    str | None,
    QueryParameter(max_length=MAX_ALT, pattern=NO_CONTROLS, description="What it shows, in words"),
]
Length = Annotated[
    int | None,
    HeaderParameter(
        name="Upload-Length",
        ge=1,
        le=MAX_LENGTH,
        description="Bytes of the whole file; the body is its beginning, or empty",
    ),
]
Metadata = Annotated[
    str | None,
    HeaderParameter(name="Upload-Metadata", max_length=8_000, description="As in tus: `filename`"),
]
Offset = Annotated[
    int | None,
    # Not ge=0: Litestar leaves a minimum of 0 out of the OpenAPI document.
    HeaderParameter(
        name="Upload-Offset", gt=-1, le=MAX_LENGTH, description="Where the part begins"
    ),
]
Version = Annotated[
    str | None, HeaderParameter(name="Tus-Resumable", description=f"If given: {TUS}")
]

SEND = """\
The body is the file as it is. What it is, its first bytes say, not its name or its media type.

Images are converted before the answer comes; `state` is `ready` then, mostly. Videos and sounds \
are converted after it: ask again until `state` is `ready` or `failed`. Only what is ready can be \
shown in a post, a message or a profile; what nothing shows is deleted after a while.

With `Upload-Length` the file may come in parts: see `PATCH`. Clients of tus 1.0.0 work.\
"""
RESUME = """\
With `application/offset+octet-stream`: the next part, which begins at `Upload-Offset`. What came \
before a connection broke is kept; `HEAD` says how much. With the last part the file is converted.

With `application/json`: another name or description.\
"""


class UploadPages(Controller):
    """Send files, look at them, describe and delete them."""

    path = "/uploads"
    tags = ["uploads"]

    # Litestar answers OPTIONS itself where it meets another method first: it goes by the names of
    # the handlers.
    @route(http_method=HttpMethod.OPTIONS, status_code=204, include_in_schema=False)
    async def announce_protocol(self, uploads: Injected[Uploads]) -> Response[None]:
        """Say what of tus is spoken here."""
        headers = {
            "Allow": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
            "Tus-Resumable": TUS,
            "Tus-Version": TUS,
            "Tus-Extension": EXTENSIONS,
        }
        if uploads.max_bytes is not None:
            headers["Tus-Max-Size"] = str(uploads.max_bytes)
        return Response(None, status_code=204, headers=headers)

    @post(
        summary="Send a file",
        description=SEND,
        request_max_body_size=None,  # each kind has its own cap, and none is held in memory
        operation_class=Sent,
        responses=refusals(errors.TOO_LARGE, errors.UNSUPPORTED_MEDIA, errors.UNSUPPORTED_VERSION),
    )
    async def send_file(
        self,
        request: PlazaRequest,
        caller: Injected[Claims],
        uploads: Injected[Uploads],
        name: Name = None,
        alt: Alt = None,
        length: Length = None,
        metadata: Metadata = None,
        version: Version = None,
    ) -> Response[Upload]:
        """Send a file, or the beginning of one."""
        _judge_version(version)
        told = described_by(metadata)
        _judge_announced(request, uploads.max_bytes)
        upload = await uploads.begin(
            caller.account,
            name=told.name or "" if name is None else name,
            alt=told.alt or "" if alt is None else alt,
            length=length,
        )
        if length is None:
            done = await uploads.send(caller.account, upload, _chunks(request))
        else:
            await uploads.resume(caller.account, upload, 0, _chunks(request))
            done = await uploads.show(caller.account, upload)
        if done.state is UploadState.FAILED:
            await uploads.delete(caller.account, upload)
            raise PlazaError(UNSUPPORTED_MEDIA, done.problem)
        headers = {**_offset(done.received), "Location": f"{API}/uploads/{upload}"}
        return Response(done, status_code=201, headers=headers)

    @get(
        summary="List one's uploads",
        description="Newest first.",
        responses=refusals(),
    )
    async def list_uploads(
        self,
        caller: Injected[Claims],
        uploads: Injected[Uploads],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> UploadPage:
        """List uploads."""
        before = Id(position_of(cursor) or MAX_ID)
        items = await uploads.page(caller.account, before=before, limit=limit)
        position = items[-1].id if len(items) == limit else None
        return UploadPage(items=items, next_cursor=cursor_after(position))

    @get("/{upload:str}", summary="Show an upload", responses=refusals(errors.NOT_FOUND))
    async def show_upload(
        self, upload: UploadId, caller: Injected[Claims], uploads: Injected[Uploads]
    ) -> Upload:
        """Show an upload."""
        return await uploads.show(caller.account, upload)

    @head(
        "/{upload:str}",
        summary="Say how much of an upload has come",
        description="`Upload-Offset`: bytes. A request that still sends the upload is ended.",
        responses=refusals(errors.NOT_FOUND, errors.UNSUPPORTED_VERSION),
    )
    async def show_offset(
        self,
        upload: UploadId,
        caller: Injected[Claims],
        uploads: Injected[Uploads],
        version: Version = None,
    ) -> Response[None]:
        """Say how many bytes have come."""
        _judge_version(version)
        offset, length = await uploads.offset(caller.account, upload)
        headers = {**_offset(offset), **NOT_STORED}
        if length is not None:
            headers["Upload-Length"] = str(length)
        return Response(None, headers=headers)

    @patch(
        "/{upload:str}",
        summary="Send a part of a file, or describe it",
        description=RESUME,
        request_max_body_size=None,
        operation_class=Patched,
        responses={
            204: ResponseSpec(None, description="The part has come.", generate_examples=False),
            **refusals(
                errors.NOT_FOUND,
                errors.OFFSET_CONFLICT,
                errors.UNSUPPORTED_VERSION,
                errors.TOO_LARGE,
                errors.UNSUPPORTED_MEDIA,
            ),
        },
    )
    async def change_upload(
        self,
        upload: UploadId,
        request: PlazaRequest,
        caller: Injected[Claims],
        uploads: Injected[Uploads],
        offset: Offset = None,
        version: Version = None,
    ) -> Response[Upload]:
        """Take a part of a file, or what is said of it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            changes = await _changes(request)
            changed = await uploads.describe(
                caller.account, upload, name=changes.name, alt=changes.alt
            )
            return Response(changed)
        if kind != PART:
            raise PlazaError(UNSUPPORTED_MEDIA, f"Send a part as {PART}, changes as JSON.")
        _judge_version(version)
        if offset is None:
            raise PlazaError(BAD_REQUEST, "Upload-Offset is missing: say where the part begins.")
        try:
            size = await uploads.resume(caller.account, upload, offset, _chunks(request))
        except OffsetConflict as conflict:
            return answer(  # type: ignore[return-value]
                conflict.spec, conflict.message, headers=_offset(conflict.offset)
            )
        return Response(None, status_code=204, headers=_offset(size))  # type: ignore[arg-type]

    @delete(
        "/{upload:str}",
        summary="Delete an upload",
        description="Not while something shows it.",
        responses=refusals(errors.NOT_FOUND, errors.IN_USE),
    )
    async def delete_upload(
        self, upload: UploadId, caller: Injected[Claims], uploads: Injected[Uploads]
    ) -> None:
        """Delete an upload."""
        await uploads.delete(caller.account, upload)


async def _chunks(request: PlazaRequest) -> AsyncIterator[bytes]:
    """The body as it comes."""
    try:
        async for chunk in request.stream():
            if chunk:
                yield chunk
    except InternalServerException:
        raise PlazaError(BAD_REQUEST, "The connection ended before the body did.") from None


async def _changes(request: PlazaRequest) -> UploadChanges:
    content = bytearray()
    async for chunk in _chunks(request):
        content += chunk
        if len(content) > CHANGES_BYTES:
            raise PlazaError(TOO_LARGE, f"Changes take at most {CHANGES_BYTES:,} bytes.")
    try:
        return load_json(bytes(content), UploadChanges)
    except msgspec.ValidationError as error:
        raise PlazaError(BAD_REQUEST, f"{error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlazaError(BAD_REQUEST, f"The body is not JSON: {error}.") from None


def _judge_announced(request: PlazaRequest, most: int | None) -> None:
    """Refuse what cannot fit before any of it is read."""
    announced = request.content_length
    if most is not None and announced is not None and announced > most:
        raise PlazaError(TOO_LARGE, f"A file has at most {most:,} bytes here.")


def _judge_version(version: str | None) -> None:
    if version is not None and version != TUS:
        raise PlazaError(errors.UNSUPPORTED_VERSION, f"Tus-Resumable is {TUS} here.")


def _offset(offset: int) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Tus-Resumable": TUS}
