"""What is shipped: the locks pin what is asked for, and name no place where they were made."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME: list[str] = PYPROJECT["project"]["dependencies"]
DEV: list[str] = PYPROJECT["project"]["optional-dependencies"]["dev"]
BUILD: list[str] = PYPROJECT["dependency-groups"]["build"]

LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": RUNTIME + DEV,
    "requirements-build.lock": BUILD,
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text()
    return {canonicalize_name(name): version for name, version in _PIN.findall(text)}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_a_fitting_version_of_everything_asked_for(lock: str) -> None:
    pinned = pins(lock)
    for text in LOCKS[lock]:
        requirement = Requirement(text)
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing: run make lock"
        assert version in requirement.specifier, f"{requirement.name}: run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    # One that comes in two versions, for older and newer Pythons, has two entries.
    assert {entry.partition("==")[0] for entry in entries} == pins(lock).keys()
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_index_and_no_folder(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|--(extra-)?index|--find-links|^-e|(^|\s)/", text, re.MULTILINE)


def test_tools_and_server_run_the_same_versions() -> None:
    dev = pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


def test_dependencies_are_sorted() -> None:
    for texts in (RUNTIME, DEV, BUILD):
        names = [Requirement(text).name for text in texts]
        assert names == sorted(names)


def test_every_dependency_has_its_reason() -> None:
    decisions = (ROOT / "docs/decisions.md").read_text()
    for text in RUNTIME + DEV + BUILD:
        name = Requirement(text).name
        assert f"`{name}`" in decisions, f"docs/decisions.md does not say why {name}"


def test_what_is_imported_is_asked_for() -> None:
    """A package that is there only because another one needs it may go with the next version."""
    asked_for = {canonicalize_name(Requirement(text).name) for text in RUNTIME}
    tools = {canonicalize_name(Requirement(text).name) for text in DEV}
    ours = {package.split(".")[0] for package in PYPROJECT["tool"]["setuptools"]["packages"]}
    distributions = packages_distributions()
    for package in ours:
        allowed = asked_for | tools if package == "loadtest" else asked_for
        for path in (ROOT / package).rglob("*.py"):
            for module in imported(path) - ours - sys.stdlib_module_names:
                names = {canonicalize_name(name) for name in distributions.get(module, [module])}
                assert names & allowed, f"{path.relative_to(ROOT)} imports {module}"


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_every_package_data_pattern_finds_files() -> None:
    for package, patterns in PYPROJECT["tool"]["setuptools"]["package-data"].items():
        for pattern in patterns:
            assert list((ROOT / package.replace(".", "/")).glob(pattern)), (package, pattern)
