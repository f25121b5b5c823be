"""Fragments of session descriptions for trickle ICE and restarts (RFC 8840, RFC 9725 4.3)."""

from dataclasses import dataclass

from media.description import IceCredentials, Local
from media.sdp import credentials_of, media_line
from media.sdp_lines import Lines, SdpError, is_token, split
from media.sdp_text import candidate_lines, credential_lines, text

__all__ = ["Fragment", "SdpError", "parse", "restart_answer"]

# A peer has some dozens at most: those of each of its networks, on UDP, TCP and relayed.
_CANDIDATES_MOST = 256
_SECTIONS_MOST = 64


@dataclass(frozen=True, slots=True)
class Fragment:
    """A body of type application/trickle-ice-sdpfrag (RFC 8840, 9).

    Attributes:
        credentials: that its candidates are of; new ones restart ICE. None: it has none.
        sections: value of the m= line, and mid, of each.
        bundle: mids, of its a=group line.
        candidates: of the peer, as they are written: an ICE-lite agent does not use them.
        ended: there will be no more.
    """

    credentials: IceCredentials | None
    sections: tuple[tuple[str, str], ...]
    bundle: tuple[str, ...]
    candidates: tuple[str, ...]
    ended: bool


def parse(body: str) -> Fragment:
    """Read a fragment.

    Raises:
        SdpError: it cannot be read.
    """
    session, lines = split(body)
    sections = []
    for section in lines:
        media_line(section.media)
        mid = section.first("mid")
        if not mid or not is_token(mid):
            raise SdpError("An m= section of the fragment has no a=mid that can be one.")
        sections.append((section.media, mid))
    parts = [session, *lines]
    found = (credentials_of(part, session) for part in [*lines, session])
    candidates = [candidate for part in parts for candidate in part.all("candidate")]
    if len(candidates) > _CANDIDATES_MOST:
        raise SdpError(f"The fragment has more than {_CANDIDATES_MOST} candidates.")
    return Fragment(
        credentials=next(filter(None, found), None),
        sections=tuple(sections),
        bundle=_bundle_of(session),
        candidates=tuple(candidates),
        ended=any("end-of-candidates" in part.attributes for part in parts),
    )


def _bundle_of(session: Lines) -> tuple[str, ...]:
    """The group as it stands: it names sections that a fragment leaves out (RFC 9725, 4.3)."""
    for value in session.all("group"):
        semantics, *mids = value.split()[: _SECTIONS_MOST + 1] or [""]
        if semantics == "BUNDLE" and all(is_token(mid) for mid in mids):
            return tuple(mids)
    return ()


def restart_answer(fragment: Fragment, local: Local) -> str:
    """Our side of an ICE restart: new credentials and the candidates, in the sections named.

    Args:
        fragment: of the peer, with its new credentials.
        local: with ours.
    """
    lines = ["a=ice-lite", "a=ice-options:trickle ice2"]
    if fragment.bundle:
        lines.append(f"a=group:BUNDLE {' '.join(fragment.bundle)}")
    if not fragment.sections:
        lines += [*credential_lines(local.credentials), *candidate_lines(local.candidates)]
    for index, (media, mid) in enumerate(fragment.sections):
        lines += [f"m={media}", f"a=mid:{mid}", *credential_lines(local.credentials)]
        if not index:
            lines += candidate_lines(local.candidates)
    return text(lines)
