"""Uploads as they are shown: rows of the table to records."""

from collections.abc import Iterable

from msgspec import Struct

from protocol.ids import Id
from protocol.posts import Media, MediaKind, Variant


class StoredVariant(Struct, frozen=True, omit_defaults=True):
    """One form of an upload, as the column `variants` holds it: the best one first."""

    name: str
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None


class StoredMedia(Struct, frozen=True):
    """A row of uploads, as MEDIA_JSON gives it. The names are those of the columns."""

    id: str
    key: str
    kind: MediaKind
    name: str
    alt: str
    width: int | None
    height: int | None
    duration_ms: int | None
    blurhash: str | None
    variants: list[StoredVariant]


# Of uploads `u`.
MEDIA_JSON = """jsonb_build_object(
    'id', u.id::text, 'key', u.key, 'kind', u.kind, 'name', u.name, 'alt', u.alt,
    'width', u.width, 'height', u.height, 'duration_ms', u.duration_ms, 'blurhash', u.blurhash,
    'variants', u.variants
)"""

AVATAR = "avatar"
"""The variant of an image that is smallest, for beside a name."""


def url_of(key: str, name: str) -> str:
    """The path at which a variant is fetched."""
    return f"/media/{key}/{name}"


def avatar_url(key: str | None) -> str | None:
    """The path of a profile's small picture; None: it has none."""
    return None if key is None else url_of(key, AVATAR)


def media_of(stored: StoredMedia) -> Media:
    """An upload as it is shown. It must be ready."""
    best = stored.variants[0]
    return Media(
        id=Id(stored.id),
        kind=stored.kind,
        type=best.type,
        url=url_of(stored.key, best.name),
        name=stored.name,
        alt=stored.alt,
        width=stored.width,
        height=stored.height,
        duration_ms=stored.duration_ms,
        blurhash=stored.blurhash,
        variants=list(_variants(stored.key, stored.variants)),
    )


def _variants(key: str, stored: Iterable[StoredVariant]) -> Iterable[Variant]:
    for variant in stored:
        yield Variant(
            name=variant.name,
            url=url_of(key, variant.name),
            type=variant.type,
            bytes=variant.bytes,
            width=variant.width,
            height=variant.height,
        )
