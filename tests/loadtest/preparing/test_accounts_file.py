"""Accounts that are kept between runs."""

import os
from pathlib import Path

import pytest

from loadtest.endpoint import TargetError
from loadtest.preparing.accounts_file import Account, AccountsFile

ADA = Account("1", "ada", "secret", "access", "refresh")
BOB = Account("2", "bob", "secret", "access", "refresh")


def test_accounts_are_kept_by_their_server(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    first = AccountsFile(path)
    assert first.of("http://one") == []
    first.keep("http://one", [ADA])
    first.keep("http://two", [BOB, ADA])
    first.keep("http://one", [ADA, BOB])
    first.close()
    second = AccountsFile(path)
    assert second.of("http://one") == [ADA, BOB]
    assert second.of("http://two") == [BOB, ADA]
    assert [file.name for file in tmp_path.iterdir()] == ["accounts.json"]


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    mask = os.umask(0)
    try:
        path.write_text("{}")
        AccountsFile(path).keep("http://one", [ADA])
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
        AccountsFile(path)
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(mask)


def test_one_run_at_a_time_has_it(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    first = AccountsFile(path)
    with pytest.raises(TargetError, match=r"Another run uses .*accounts\.json"):
        AccountsFile(path)
    first.keep("http://one", [ADA])  # which puts another file in its place
    with pytest.raises(TargetError, match="Another run uses"):
        AccountsFile(path)
    first.close()
    assert AccountsFile(path).of("http://one") == [ADA]


def test_a_file_of_something_else_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("[1, 2]")
    with pytest.raises(TargetError, match="is no accounts file"):
        AccountsFile(path)
    assert path.read_text() == "[1, 2]"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot be used: No such file or directory"):
        AccountsFile(tmp_path / "nowhere" / "accounts.json")


def test_without_a_file_they_are_kept_for_the_run() -> None:
    accounts = AccountsFile(None)
    accounts.keep("http://one", [ADA])
    assert accounts.of("http://one") == [ADA]
    assert AccountsFile(None).of("http://one") == []
