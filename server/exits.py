"""The catalogue of exit codes: what a script that starts Plaza can tell apart."""

from typing import NamedTuple


class Exit(NamedTuple):
    """One line of the catalogue.

    Attributes:
        code: the exit status.
        name: a word for it.
        text: what happened.
        remedy: what to do.
    """

    code: int
    name: str
    text: str
    remedy: str


OK = Exit(0, "done", "Done. After `serve`: stopped by a signal, and all work is on disk.", "")
UNEXPECTED = Exit(1, "unexpected", "Something that Plaza did not foresee.", "Report the traceback.")
USAGE = Exit(2, "usage", "The command line is not understood.", "See `plaza COMMAND --help`.")
CONFIGURATION = Exit(
    3,
    "configuration",
    "A setting is unknown or has a wrong value.",
    "Correct the file, variable or flag that the message names.",
)
ADDRESS = Exit(
    4,
    "address",
    "The address cannot be listened on; mostly, another program does so already.",
    "Stop that program, or choose another `--port` or `media.port`.",
)
DATABASE = Exit(
    5, "database", "The database cannot be reached.", "Check `database.url`, and start it."
)
MIGRATION = Exit(
    6,
    "migration",
    "The database's schema was made by a newer version, or by migrations that were changed since.",
    "Run the version that made it, or a newer one.",
)
EMBEDDED = Exit(
    7,
    "embedded database",
    "The embedded database cannot run: its folder is in use or not fit for it, or it fails.",
    "Do what the message says; often: stop the other plaza, or choose another `--data-dir`.",
)
# plaza_client/terminal.py returns it.
CHAT = Exit(
    8,
    "chat",
    "`plaza chat` cannot reach the server, or is not let in.",
    "Check the URL, the username and the password.",
)
DRAIN = Exit(
    9,
    "drain",
    "`plaza drain` found no server with this data directory, or could not end it.",
    "Give the `--data-dir` or `--config` that the server was started with.",
)
ACCOUNT = Exit(
    10, "account", "`plaza account` found no account with this username.", "Check the name."
)
SEED = Exit(
    11,
    "seed",
    "`plaza seed` found accounts in the database.",
    "Take an empty database, or say `--yes`.",
)
# loadtest/cli.py returns these three.
LOAD_BROKEN = Exit(
    12,
    "threshold broken",
    "`plaza loadtest`: a threshold does not hold, or something happened that must never be.",
    "Read the report: it says which, and what was found.",
)
LOAD_NOT_RUN = Exit(
    13,
    "load test not run",
    "`plaza loadtest` cannot do what it was asked for: no server, a wrong scenario, and the like.",
    "Do what the message says.",
)
LOAD_WORSE = Exit(
    14,
    "worse",
    "`plaza loadtest compare` found something that has become worse.",
    "See the table; `--tolerance` says how much is no difference.",
)
INTERRUPTED = Exit(
    130,
    "interrupted",
    "Stopped by a signal before it was up; of `plaza loadtest`: before its end.",
    "",
)

CATALOGUE = (
    OK, UNEXPECTED, USAGE, CONFIGURATION, ADDRESS, DATABASE, MIGRATION, EMBEDDED, CHAT, DRAIN,
    ACCOUNT, SEED, LOAD_BROKEN, LOAD_NOT_RUN, LOAD_WORSE, INTERRUPTED,
)  # fmt: skip


class ConfigError(Exception):
    """A setting is unknown or has a wrong value. The message names it and its source."""


class AddressUnavailable(Exception):
    """The address cannot be listened on. The message says why and what to do."""


class DrainFailed(Exception):
    """There is no server to be drained, or it does not end. The message says what to do."""


class SeedRefused(Exception):
    """The database is in use. The message says what to do."""


class NoSuchAccount(Exception):
    """The account that a command is about does not exist. The message says what to do."""


def exit_of(failure: Exception) -> Exit:
    """How to end after a failure. Only of those with a line of their own is the message enough."""
    from persistence.database import DatabaseError  # noqa: PLC0415 - keeps `plaza version` quick
    from persistence.embedded import EmbeddedPostgresError  # noqa: PLC0415
    from persistence.migrate import MigrationError  # noqa: PLC0415
    from persistence.objects import ObjectStoreError  # noqa: PLC0415

    kinds: dict[type[Exception], Exit] = {
        ConfigError: CONFIGURATION,
        ObjectStoreError: CONFIGURATION,
        AddressUnavailable: ADDRESS,
        DrainFailed: DRAIN,
        NoSuchAccount: ACCOUNT,
        SeedRefused: SEED,
        MigrationError: MIGRATION,  # a DatabaseError too
        DatabaseError: DATABASE,
        EmbeddedPostgresError: EMBEDDED,
    }
    return next((exit_ for kind, exit_ in kinds.items() if isinstance(failure, kind)), UNEXPECTED)
