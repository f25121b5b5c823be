"""The language in which messages are searched for, and what of a message is shown as found.

    engine            messages with a word that begins so; of fewer than three letters: the word
    "steam engine"    these words, whole and in this order
    -steam            messages without it; also -"steam engine", -from:, -in:
    from:ada          written by ada; from:me by oneself; several: by any of them
    in:ROOM           in a room: its id, its title (in:#title, in:"a longer title"), in:@ada for the
                      dm with ada; several: in any of them
    before:2026-11-01 before that day (UTC), or before a moment: before:2026-11-01T18:30:00Z
    after:2026-11-01  after that day, or after a moment

All of it has to hold. Anything else with a colon is text.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from msgspec import Struct

from protocol.errors import BAD_REQUEST, PlazaError
from protocol.records import Fragment
from rooms.words import Word, placed_words, words_of

MAX_TERMS = 20
PREFIX_LETTERS = 3  # the words that begin with fewer letters are too many to be meant
WINDOW = 240  # characters of a long body that are shown
LEAD = 60  # of them before the first match

# A quote that is not closed reaches to the end: so does one that is still being typed.
_TOKEN = re.compile(
    r'\s*(?P<minus>-)?(?:(?P<name>from|in|before|after):(?!\s|$))?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))',
    re.IGNORECASE,
)
_QUOTES = str.maketrans("“”„‟«»", '""""""')
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,6})?)?([Zz]|[+-]\d\d:\d\d)")


class Term(Struct, frozen=True, dict=True):
    """A word or phrase that messages are to have, or are not to have.

    Attributes:
        text: as it was typed, without the quotes.
        quoted: the words are whole.
        negated: messages that have it are not meant.
    """

    text: str
    quoted: bool = False
    negated: bool = False

    @cached_property
    def words(self) -> list[str]:
        """What has to stand in a row."""
        return words_of(self.text)

    @cached_property
    def is_prefix(self) -> bool:
        """Whether the last word may be the beginning of a longer one."""
        return not self.quoted and len(self.words[-1]) >= PREFIX_LETTERS


class Choice(Struct, frozen=True):
    """A name that `from:` or `in:` gives."""

    name: str
    negated: bool = False


class Query(Struct, frozen=True, kw_only=True):
    """What is searched for.

    Attributes:
        terms: each has a word at least.
        senders: usernames, or `me`.
        rooms: ids or titles, or @ and a username.
        before: messages of this moment and later ones are not meant.
        after: messages before this moment are not meant.
    """

    terms: tuple[Term, ...] = ()
    senders: tuple[Choice, ...] = ()
    rooms: tuple[Choice, ...] = ()
    before: datetime | None = None
    after: datetime | None = None

    def __str__(self) -> str:
        """The query as somebody could have typed it."""
        shown = [f"{_sign(term.negated)}{_shown(term.text, term.quoted)}" for term in self.terms]
        for filter_, choices in (("from", self.senders), ("in", self.rooms)):
            shown += [f'{_sign(one.negated)}{filter_}:"{one.name}"' for one in choices]
        for filter_, moment in (("before", self.before), ("after", self.after)):
            shown += [f"{filter_}:{moment.isoformat()}"] if moment is not None else []
        return " ".join(shown)


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        PlazaError: bad_request: it asks for nothing, for too much, or has a date that is none.
    """
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    terms: list[Term] = []
    chosen: dict[str, list[Choice]] = {"from": [], "in": []}
    moments: dict[str, list[datetime]] = {"before": [], "after": []}
    for token in _TOKEN.finditer(text):
        name, negated = (token["name"] or "").lower(), token["minus"] is not None
        value = token["bare"] if token["quoted"] is None else token["quoted"]
        if name in chosen:
            chosen[name].append(Choice(_name(value), negated))
        elif name in moments:
            moments[name].append(_moment(name, value, negated=negated))
        else:
            term = Term(value, token["quoted"] is not None, negated)
            terms += [term] if term.words else []
    if len(terms) + len(chosen["from"]) + len(chosen["in"]) > MAX_TERMS:
        raise PlazaError(BAD_REQUEST, f"Search for at most {MAX_TERMS} words at a time.")
    query = Query(
        terms=tuple(terms),
        senders=tuple(chosen["from"]),
        rooms=tuple(chosen["in"]),
        before=min(moments["before"], default=None),
        after=max(moments["after"], default=None),
    )
    if query == Query():
        raise PlazaError(BAD_REQUEST, "Search for a word at least, or with a filter like from:ada.")
    return query


def _name(value: str) -> str:
    return " ".join(value.split())


def _moment(filter_: str, value: str, *, negated: bool) -> datetime:
    if negated:
        other = "after" if filter_ == "before" else "before"
        raise PlazaError(BAD_REQUEST, f"Search with {other}: instead of -{filter_}:.")
    try:
        if _DAY.fullmatch(value):
            day = datetime.combine(date.fromisoformat(value), time(), UTC)
            return day if filter_ == "before" else day + timedelta(days=1)
        if _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # such as the 30th of February
    raise PlazaError(
        BAD_REQUEST,
        f"The date of {filter_}: is written like 2026-11-01, or like 2026-11-01T18:30:00Z.",
    )


def _sign(negated: bool) -> str:
    return "-" if negated else ""


def _shown(text: str, quoted: bool) -> str:
    return f'"{text}"' if quoted else text


# --- what is shown ---------------------------------------------------------------------------


def fragments(body: str, terms: Sequence[Term]) -> list[Fragment] | None:
    """A body, or the part of a long one around its first match, in pieces: what was searched for
    and what is between. None: it lacks a term, or has one that it is not to have.

    Together they are that text; an ellipsis stands where something was cut off.
    """
    words = placed_words(body)
    spans = []
    for term in terms:
        found = list(_found(words, term))
        if bool(found) is term.negated:
            return None
        spans += found
    spans = _merged(spans)
    start, end = _window(body, words, spans)
    pieces = [("…", False)] if start else []
    at = start
    for span_start, span_end in spans:
        if span_end > end:
            break
        pieces += [(body[at:span_start], False), (body[span_start:span_end], True)]
        at = span_end
    pieces.append((body[at:end], False))
    pieces += [("…", False)] if end < len(body) else []
    return _joined(pieces)


def _found(words: Sequence[Word], term: Term) -> Iterator[tuple[int, int]]:
    """Where a term stands."""
    *whole, last = term.words
    for index in range(len(words) - len(whole)):
        end = words[index + len(whole)]
        if (end.text.startswith(last) if term.is_prefix else end.text == last) and all(
            words[index + offset].text == word for offset, word in enumerate(whole)
        ):
            yield words[index].start, end.end


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _window(body: str, words: Sequence[Word], spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The part of a body that is shown. It begins and ends between words, and holds a match."""
    if len(body) <= WINDOW:
        return 0, len(body)
    first_start, first_end = spans[0] if spans else (0, 0)
    start = max(0, min(first_start - LEAD, len(body) - WINDOW))
    end = max(first_end, min(len(body), start + WINDOW))
    for word in words:
        if word.start < start < word.end <= first_start:
            start = word.end
        if max(first_end, start + 1) <= word.start < end < word.end:
            end = word.start
    return start, end


def _joined(pieces: Sequence[tuple[str, bool]]) -> list[Fragment]:
    """Fragments without empty ones, and without two of a kind in a row."""
    joined: list[tuple[str, bool]] = []
    for text, match in pieces:
        if joined and joined[-1][1] is match:
            joined[-1] = joined[-1][0] + text, match
        elif text:
            joined.append((text, match))
    return [Fragment(text=text, match=match) for text, match in joined]
