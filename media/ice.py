"""ICE-lite (RFC 8445): checks are answered, never sent; where the peer wants media is remembered.

An endpoint with a public address need not look for a way to the peer; the peer, who is the
controlling agent, finds it and nominates it.
"""

from media import stun
from media.description import IceCredentials
from media.ports import Path

# Addresses of one peer at a time: its networks, IPv4 and IPv6, TCP, and what a NAT gave it before.
PATHS = 8

# Without a check for so long on the nominated path, one on another path moves media there although
# it nominates nothing: an agent that believes its pair to be nominated does not say so again
# (aioice), and a NAT may have given it another port. Agents check every 2 to 6 seconds.
SILENCE = 8.0


class _Remote:
    """A path from which valid checks have come.

    Attributes:
        checked: when the last one has.
        priority: that it had (RFC 8445, 7.1.1): of the candidate as its sender sees it.
        nominated: one of them had USE-CANDIDATE.
    """

    __slots__ = ("checked", "nominated", "path", "priority")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checked = 0.0
        self.priority = 0
        self.nominated = False


class IceLite:
    """Our end of one peer's ICE session.

    Args:
        local: our credentials.
        now: the time, in seconds.

    Attributes:
        path: the nominated one; None: there is none yet, or none any more.
        checked: when the last valid check has come; when this was made, before the first.
        valid: how many valid checks have come.
        refused: how many others.
    """

    __slots__ = (
        "_contender",
        "_credentials",
        "_current",
        "_next",
        "_remotes",
        "checked",
        "path",
        "refused",
        "valid",
    )

    def __init__(self, local: IceCredentials, now: float) -> None:
        self._current = local
        self._next: IceCredentials | None = None
        self._credentials = {local.ufrag: local.pwd.encode()}
        self._remotes: dict[Path, _Remote] = {}
        # Who has nominated a path of lower priority, last.
        self._contender: _Remote | None = None
        self.path: Path | None = None
        self.checked = now
        self.valid = 0
        self.refused = 0

    @property
    def local_ufrags(self) -> tuple[str, ...]:
        """Of checks that are answered: during a restart the former one's are too."""
        return tuple(self._credentials)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All from which valid checks have come lately."""
        return tuple(self._remotes)

    @property
    def way(self) -> Path | None:
        """Where to send: the nominated path, or before there is one, that of the latest check."""
        if self.path is not None or not self._remotes:
            return self.path
        return max(self._remotes.values(), key=lambda kept: kept.checked).path

    def receive(self, data: bytes, path: Path, now: float) -> bool:
        """Answer a check.

        Args:
            data: a datagram whose first byte says that it is STUN.

        Returns:
            Whether it is valid: `path` is one of `paths` then. What is no Binding request, or has
            no right FINGERPRINT, gets no answer.
        """
        answer, nominates, priority = self._judge(data, path)
        if answer is not None:
            path.send(answer)
        if nominates is None:
            self.refused += 1
            return False
        self.valid += 1
        self.checked = now
        for kept in [kept for kept in self._remotes if kept.peer is None]:
            self.lose(kept)  # a connection that has ended, or an address that was forgotten
        remote = self._remotes.get(path) or self._add(path)
        remote.checked = now
        remote.priority = priority
        self._choose(remote, nominates, now)
        return True

    def restart(self, local: IceCredentials, now: float) -> None:
        """Take other credentials; those in use stay valid until these are used (RFC 8445, 9).

        Media stays where it is until the peer nominates a path by them.
        """
        self.checked = now
        self._next = local
        self._credentials = {
            local.ufrag: local.pwd.encode(),
            self._current.ufrag: self._current.pwd.encode(),
        }

    def lose(self, path: Path) -> None:
        """A path is no more: its connection has ended, or it is another peer's now."""
        remote = self._remotes.pop(path, None)
        if remote is self._contender:
            self._contender = None
        if self.path is path:
            left = [kept for kept in self._remotes.values() if kept.nominated]
            latest = max(left, key=lambda kept: kept.checked, default=None)
            self.path = latest.path if latest else None

    def expire(self, before: float) -> None:
        """Leave the paths, but the nominated one, without a valid check since `before`."""
        for remote in list(self._remotes.values()):
            if remote.checked < before and remote.path is not self.path:
                self._leave(remote)

    def close(self) -> None:
        """Leave all paths."""
        remotes, self._remotes = self._remotes, {}
        self.path = self._contender = None
        for path in remotes:
            path.close()

    def _judge(self, data: bytes, path: Path) -> tuple[bytes | None, bool | None, int]:
        """The answer, if any; whether a valid check nominates, None for others; its priority."""
        request = stun.parse(data)
        if request is None:
            return None, None, 0
        if not request.signed:
            return request.error(stun.BAD_REQUEST), None, 0
        ufrag = request.username.partition(":")[0]
        password = self._credentials.get(ufrag)
        if password is None or not request.is_authentic(password):
            return request.error(stun.UNAUTHENTICATED), None, 0
        if request.controlled:
            # A lite agent cannot take the other role, so the peer has to (RFC 8445, 6.1.1).
            return request.error(stun.ROLE_CONFLICT, password), None, 0
        if self._next is not None and ufrag == self._next.ufrag:
            self._restarted(self._next)
        return request.success(path.address, password), request.nominates, request.priority

    def _restarted(self, local: IceCredentials) -> None:
        self._current, self._next = local, None
        self._credentials = {local.ufrag: local.pwd.encode()}
        # Nominations begin anew; the path of the former ones is in use until there is one.
        self._contender = None
        for remote in self._remotes.values():
            remote.nominated = False

    def _add(self, path: Path) -> _Remote:
        if len(self._remotes) >= PATHS:
            others = (kept for kept in self._remotes.values() if kept.path is not self.path)
            self._leave(min(others, key=lambda kept: kept.checked))
        remote = self._remotes[path] = _Remote(path)
        return remote

    def _leave(self, remote: _Remote) -> None:
        self.lose(remote.path)
        remote.path.close()

    def _choose(self, remote: _Remote, nominates: bool, now: float) -> None:
        """Move media to where a valid check has come from, if it is to.

        A peer that moves nominates another path, and that one only. One that nominates all paths
        that work ("aggressive nomination", RFC 5245, 8.1.1.2) means the one of highest priority,
        and media must not jump between them: so one of lower priority that was nominated before
        has to be nominated twice without the present one in between.
        """
        current = self._remotes.get(self.path) if self.path is not None else None
        if remote is current:
            remote.nominated = remote.nominated or nominates
            if nominates:
                self._contender = None
            return
        if current is None or not current.nominated:
            moves = nominates
        elif now - current.checked > SILENCE:
            moves = True
        else:
            again = remote.nominated and remote.priority < current.priority
            moves = nominates and (not again or self._contender is remote)
        self._contender = remote if nominates else self._contender
        if nominates or moves:
            remote.nominated = True
        if moves:
            self.path, self._contender = remote.path, None
