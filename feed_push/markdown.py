"""What people write of themselves: a part of Markdown, to HTML that is safe to show.

Two parts, each enough by itself: markdown-it makes no HTML but its own, and nh3 lets nothing
through that is not on the list below.
"""

import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

TAGS = frozenset({"p", "br", "em", "strong", "s", "code", "a", "ul", "ol", "li", "blockquote"})
ATTRIBUTES = {"a": {"href", "rel"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
RELATION = "nofollow noopener"
"""Said of every link: that it is no recommendation of ours, and may not reach back to our page."""

# Without headings, rules and images: `# 1 fan` and a line of dashes are text.
_RULES = [
    *("list", "blockquote"),
    *("newline", "escape", "backticks", "strikethrough", "emphasis", "link", "autolink", "entity"),
]
_MAY_BE_LINKED = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
# An address that was just written down. What ends a sentence or closes a bracket is not its own.
_ADDRESS = re.compile(r"""\bhttps?://[^\s<>"'`\[\]]*[^\s<>"'`.,;:!?()\[\]{}…]""", re.IGNORECASE)


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Whether something is to become a link; otherwise it stays as it was written."""
        return _MAY_BE_LINKED.match(url) is not None


def _link_addresses(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children:
            block.children = [
                part for token in _outside_links(block.children) for part in _split(state, *token)
            ]


def _outside_links(tokens: list[Token]) -> list[tuple[Token, bool]]:
    """The tokens, and of each whether addresses in it may become links."""
    depth = 0
    told = []
    for token in tokens:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        told.append((token, depth == 0 and token.type == "text"))
    return told


def _split(state: StateCore, token: Token, linked: bool) -> list[Token]:
    if not linked:
        return [token]
    parts, end = [], 0
    for match in _ADDRESS.finditer(token.content):
        href = state.md.normalizeLink(match[0])
        parts += [
            _text(token.content[end : match.start()]),
            Token("link_open", "a", 1, attrs={"href": href}),
            _text(match[0]),
            Token("link_close", "a", -1),
        ]
        end = match.end()
    return [*parts, _text(token.content[end:])] if parts else [token]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


_markdown = _Markdown("zero", {"breaks": True}).enable(_RULES)
_markdown.core.ruler.push("addresses", _link_addresses)
_cleaner = nh3.Cleaner(
    tags=set(TAGS),
    # "*": by default nh3 lets `lang` and `title` through everywhere; `rel` is its own to set.
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    url_schemes=set(SCHEMES),
    url_relative="deny",
    link_rel=RELATION,
)


def render(text: str) -> str:
    """Render Markdown as HTML.

    There are paragraphs and line breaks, emphasis, strong emphasis, strikethrough, code, links,
    lists and quotations. All else is text, HTML too.

    Returns:
        HTML of TAGS with ATTRIBUTES alone, and links to SCHEMES alone.
    """
    html: str = _markdown.render(text)
    return _cleaner.clean(html).strip()
