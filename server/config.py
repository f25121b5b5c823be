"""What can be configured: one frozen tree of sections and settings.

A key and its section, such as `server.port`, is also the section and key of the TOML file, and, as
PLAZA_SERVER__PORT, an environment variable. server/settings.py reads them; server/sections.py has
the sections themselves.
"""

from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from server.sections import (
    SECRET,
    Auth,
    Database,
    Debug,
    Feed,
    Gateway,
    Limits,
    Log,
    Media,
    Node,
    Outbound,
    Presence,
    Section,
    Server,
    Streams,
    Uploads,
)


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    server: Server = Server()
    database: Database = Database()
    auth: Auth = Auth()
    gateway: Gateway = Gateway()
    limits: Limits = Limits()
    presence: Presence = Presence()
    feed: Feed = Feed()
    uploads: Uploads = Uploads()
    media: Media = Media()
    streams: Streams = Streams()
    outbound: Outbound = Outbound()
    debug: Debug = Debug()
    log: Log = Log()
    node: Node = Node()


class Setting(NamedTuple):
    """A leaf of the tree.

    Attributes:
        section: the name of its section.
        name: its own, within the section.
        type: with its constraints, as msgspec.convert takes it.
        default: its value when no source gives one.
        text: what it does, in Markdown.
        secret: whether its value must not be shown.
    """

    section: str
    name: str
    type: Any
    default: Any
    text: str
    secret: bool

    def value_in(self, config: Config) -> Any:
        """The setting's value in a configuration."""
        return getattr(getattr(config, self.section), self.name)


def _settings_of(section: msgspec.structs.FieldInfo) -> dict[str, Setting]:
    settings = {}
    for field in msgspec.structs.fields(section.type):
        metas = [meta for meta in get_args(field.type) if isinstance(meta, Meta)]
        settings[f"{section.name}.{field.name}"] = Setting(
            section=section.name,
            name=field.name,
            type=field.type,
            default=getattr(section.default, field.name),
            text=next(meta.description for meta in metas if meta.description),
            secret=any(meta.extra == SECRET for meta in metas),
        )
    return settings


SECTIONS: dict[str, type[Section]] = {
    section.name: section.type for section in msgspec.structs.fields(Config)
}
SETTINGS: dict[str, Setting] = {
    key: setting
    for section in msgspec.structs.fields(Config)
    for key, setting in _settings_of(section).items()
}
