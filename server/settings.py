"""Reads and shows the configuration.

Later sources win: defaults, the TOML file, the environment, the flags of the command line. An
unknown key is an error in all of them: a limit that is misspelt is a limit that is not in force.
"""

import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from server.config import SECTIONS, SETTINGS, Config
from server.exits import ConfigError

DEFAULT_FILE = Path("plaza.toml")
PREFIX = "PLAZA_"
HIDDEN = "********"


class Found(NamedTuple):
    """A value and where it comes from.

    Attributes:
        key: of the setting, such as `server.port`.
        value: as the source has it.
        source: for error messages: the file, the variable or the flag.
        strict: whether the source knows types. The environment knows text alone.
    """

    key: str
    value: Any
    source: str
    strict: bool = True


def load(
    path: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Config:
    """The effective configuration.

    Args:
        path: of the TOML file; None: plaza.toml in the working directory, if there is one.
        environ: the environment variables.
        flags: values given on the command line, by key, such as `{"server.port": 0}`.

    Raises:
        ConfigError: a file cannot be read, a key is unknown, a value is wrong. The message names
            the key and its source.
    """
    effective: dict[str, Found] = {}
    tree: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for found in (*_from_file(path), *_from_environment(environ), *_from_flags(flags or {})):
        section, name = _known(found).key.split(".")
        tree[section][name] = _converted(found)
        effective[found.key] = found
    config = msgspec.convert(tree, Config)
    for key, problem in _contradictions(config):
        raise _refusal(effective[key], problem)
    return config


def _from_file(path: Path | None) -> Iterator[Found]:
    if path is None:
        if not DEFAULT_FILE.exists():
            return
        path = DEFAULT_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file {path} is not valid TOML: {error}.") from None
    for section, content in document.items():
        if isinstance(content, dict) and section in SECTIONS:
            for name, value in content.items():
                yield Found(f"{section}.{name}", value, str(path))
        else:
            yield Found(section, content, str(path))


def _from_environment(environ: Mapping[str, str]) -> Iterator[Found]:
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        value = environ[variable]
        key = variable.removeprefix(PREFIX).lower()
        if "__" in key:
            yield Found(key.replace("__", ".", 1), value, variable, strict=False)
        elif key.replace("_", ".", 1) in SETTINGS and not value.startswith("tcp://"):
            # Other names are not ours: Kubernetes sets PLAZA_PORT=tcp://... and the like in every
            # container next to a service that is called plaza.
            meant = variable_of(key.replace("_", ".", 1))
            raise ConfigError(f"The variable {variable} is no setting. Did you mean {meant}?")


def _from_flags(flags: Mapping[str, Any]) -> Iterator[Found]:
    for key, value in flags.items():
        yield Found(key, value, "command line")


def variable_of(key: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + key.replace(".", "__").upper()


def _known(found: Found) -> Found:
    if found.key in SETTINGS:
        return found
    if found.key in SECTIONS:
        raise ConfigError(
            f"{found.key} in {found.source} is a section: write [{found.key}] on a line of its "
            "own, and its settings below."
        )
    same_name = [key for key in SETTINGS if key.split(".")[1] == found.key.split(".")[-1]]
    near = same_name or difflib.get_close_matches(found.key, SETTINGS, n=1)
    if not found.strict:
        near = [variable_of(key) for key in near]
    hint = f"Did you mean {' or '.join(near)}?" if near else "`plaza config` lists all settings."
    raise ConfigError(f"{found.key} ({found.source}) is no setting. {hint}")


def _converted(found: Found) -> Any:
    """The value in its proper type."""
    setting = SETTINGS[found.key]
    value = found.value
    if not found.strict and isinstance(setting.default, list):
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        return msgspec.convert(value, setting.type, strict=found.strict)
    except msgspec.ValidationError as error:
        # A regular expression tells an operator nothing; the description that follows does.
        problem = re.sub(r"Expected `str` matching.*", "not of the right form", str(error))
        raise _refusal(found, problem.removesuffix(" - at `$`")) from None


def _refusal(found: Found, problem: str) -> ConfigError:
    setting = SETTINGS[found.key]
    shown = "" if setting.secret else f" = {json.dumps(found.value, default=str)}"
    problem = problem[0].lower() + problem[1:]
    return ConfigError(f"{found.key}{shown} ({found.source}): {problem}. It is: {setting.text}.")


def _contradictions(config: Config) -> Iterator[tuple[str, str]]:
    """What types cannot express: keys, and what is wrong with their values."""
    networks = {
        "server.trusted_proxies": config.server.trusted_proxies,
        "debug.outbound_networks": config.debug.outbound_networks,
    }
    for key, values in networks.items():
        for network in values:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError:
                yield key, f"{network} is neither an IP address nor a network"
    if config.server.metrics_address:
        try:
            split_address(config.server.metrics_address)
        except ValueError as error:
            yield "server.metrics_address", str(error)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[IPv6 address]:port`.

    Raises:
        ValueError: it is not of this form.
    """
    parts = urlsplit(f"//{address}")
    if parts.hostname is None or parts.port is None or parts.netloc != address:
        raise ValueError("expected host:port, such as 127.0.0.1:9100")
    return parts.hostname, parts.port


def as_toml(config: Config, *, hide_secrets: bool = True) -> str:
    """The configuration as a TOML file, each setting below its description.

    Args:
        hide_secrets: put asterisks for keys and passwords.
    """
    lines: list[str] = []
    for section, type_ in SECTIONS.items():
        lines.append(f"[{section}]  # {type_.__doc__}")
        for setting in SETTINGS.values():
            if setting.section == section:
                value = setting.value_in(config)
                shown = _hidden(value) if hide_secrets and setting.secret else value
                lines += [f"# {setting.text}", f"{setting.name} = {_toml(shown)}"]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    # JSON's strings, numbers, booleans and arrays are TOML's too, but TOML wants DEL escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _hidden(secret: str) -> str:
    """Of a URL only the password is secret."""
    if not secret:
        return ""
    if "://" not in secret:
        return HIDDEN
    # Greedy: a password with an unescaped / or @ must not show either.
    secret = re.sub(r"(://[^/:@]*:).*@", rf"\1{HIDDEN}@", secret)
    return re.sub(r"(?i)([?&][a-z_]*password=)[^&]*", rf"\1{HIDDEN}", secret)
