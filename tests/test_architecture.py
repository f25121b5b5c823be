"""The shape of the code: who may import whom, what pure packages must not touch, and sizes."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
INSTALLED: list[str] = PROJECT["tool"]["setuptools"]["packages"]

# Package -> those of ours that it may import. Nothing imports server but tests.
MAY_IMPORT: dict[str, set[str]] = {
    "protocol": set(),
    "rooms": {"protocol"},
    "presence": {"protocol"},
    "feed_push": {"protocol"},
    "media": {"protocol"},
    "persistence": {"protocol"},
    "plaza_client": {"protocol"},
    "loadtest": {"plaza_client", "protocol"},
    "web": set(),
    "server": {"protocol", "rooms", "presence", "feed_push", "media", "persistence", "web"},
}
# plaza chat and plaza loadtest are where the server's program runs the client and the load tests.
EXCEPTIONS = {("server/cli.py", "plaza_client"), ("server/cli.py", "loadtest")}

# As cyclopts imports a command when it is asked for.
IMPORTED_BY_NAME = re.compile(r"[a-z_]+(\.[a-z_]+)+:[a-z_]+")

PURE = {"protocol", "rooms", "presence", "feed_push", "media"}
# Where media meets the network.
IMPURE = {"media/addresses.py", "media/endpoint.py", "media/tcp_listener.py", "media/udp.py"}
# Time and chance are arguments there, and nothing waits, reads or writes.
IMPURE_MODULES = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random",
    "secrets", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "tempfile",
    "threading", "time", "urllib", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open", "print"}

# What makes requests: server/outbound.py alone has them, so that its guard sees every request.
OUTBOUND_MODULES = {"httpx", "httpcore", "aiohttp", "requests", "urllib3"}
OUTBOUND_SUBMODULES = {"urllib.request", "http.client"}
OUTBOUND_GUARD = "server/outbound.py"

DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "services", "misc"}

LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 60  # 40 is the alarm; beyond this it is an error

PACKAGES = sorted({package.split(".")[0] for package in INSTALLED})
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if path.is_file()
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield node.module or ""
        elif isinstance(node, ast.Constant) and IMPORTED_BY_NAME.fullmatch(str(node.value)):
            yield str(node.value).partition(":")[0]


def test_the_sources_are_found() -> None:
    assert {"protocol", "server"} <= {package_of(path) for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    package = package_of(path)
    for module in imported_modules(tree_of(path)):
        target = module.split(".")[0]
        if target in MAY_IMPORT and target != package:
            allowed = target in MAY_IMPORT[package] or (name_of(path), target) in EXCEPTIONS
            assert allowed, f"{package} must not import {module}"


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression, by its last two names: `datetime.datetime.now` is datetime.now."""
    return ".".join(ast.unparse(node).split(".")[-2:])


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if package_of(path) in PURE and name_of(path) not in IMPURE],
    ids=name_of,
)
def test_pure_packages_do_no_io_and_ask_no_clock(path: Path) -> None:
    tree = tree_of(path)
    touched = {module.split(".")[0] for module in imported_modules(tree)} & IMPURE_MODULES
    assert not touched, f"imports {', '.join(sorted(touched))}"
    called = {dotted(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not called & IMPURE_CALLS


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if package_of(path) in {"server", "persistence"}],
    ids=name_of,
)
def test_requests_of_the_server_pass_its_guard(path: Path) -> None:
    modules = set(imported_modules(tree_of(path)))
    asking = modules & OUTBOUND_SUBMODULES | {
        module for module in modules if module.split(".")[0] in OUTBOUND_MODULES
    }
    assert not asking or name_of(path) == OUTBOUND_GUARD


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_fit_the_eye(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_OF_A_FILE
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LINES_OF_A_FUNCTION, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_a_drawer(path: Path) -> None:
    *packages, module = path.relative_to(ROOT).with_suffix("").parts
    assert not DRAWERS & set(packages)
    assert module not in DRAWERS - {"core", "services"}  # a module may have these for its subject


def test_every_package_is_installed_and_every_installed_package_exists() -> None:
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in ROOT.glob("*/**/*.py")
        if path.relative_to(ROOT).parts[0] not in {"tests", "docs", "build"}
        and not path.relative_to(ROOT).parts[0].startswith(".")
    }
    assert set(INSTALLED) == found | PROJECT["tool"]["setuptools"]["package-data"].keys()


def test_every_package_has_its_rules() -> None:
    assert set(PACKAGES) <= MAY_IMPORT.keys()


def test_package_names_hide_nothing_of_the_standard_library() -> None:
    assert not set(PACKAGES) & sys.stdlib_module_names


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_a_map(package: str) -> None:
    docstring = ast.get_docstring(tree_of(ROOT / package / "__init__.py"))
    assert docstring, "its __init__.py says what is where"
