"""HTML in which nothing that was put into it becomes HTML by accident.

What is a plain `str` is text and is escaped; only what `tag` has made is `Html`.
"""

import html
from collections.abc import Iterable


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | bool | None) -> Html:
    """An element.

    Args:
        name: of the element.
        children: text and elements.
        attributes: `class_` is class, `aria_label` is aria-label. True: without a value; False and
            None: left out.
    """
    written = "".join(map(_attribute, attributes, attributes.values()))
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    """Text and elements in a row."""
    return Html("".join(child if isinstance(child, Html) else _text(child) for child in children))


def _attribute(name: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(value)}"'


def _text(text: str) -> str:
    return html.escape(text, quote=False)
