"""What the sections of the configuration are made of."""

from typing import Annotated

from msgspec import Meta, Struct

SECRET = {"secret": True}

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Bytes = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections."""
