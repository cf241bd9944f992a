"""The tests' own ground rules hold."""

from __future__ import annotations

import socket

import pytest

from tests import shared_data

pytest_plugins = ["pytester"]
SKIPS = """
import pytest

def test_needs_data():
    pytest.skip("../shared is absent: needs shared/csv")

def test_needs_windows():
    pytest.skip("needs Windows")
"""


def test_no_connection_leaves_this_machine() -> None:
    with socket.socket() as sock, pytest.raises(AssertionError, match="tried to reach"):
        sock.connect(("192.0.2.1", 80))


@pytest.mark.parametrize(("check", "failed"), [("1", 1), ("", 0)])
def test_in_make_check_a_skip_for_want_of_shared_data_fails_where_the_data_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, check: str, failed: int
) -> None:
    monkeypatch.setattr(shared_data, "SHARED", pytester.path)
    monkeypatch.setenv("CHECK", check)
    pytester.makeconftest("from tests.shared_data import pytest_runtest_makereport")
    pytester.makepyfile(SKIPS)

    result = pytester.runpytest_inprocess("-p", "no:django", "-p", "no:randomly")

    result.assert_outcomes(failed=failed, skipped=2 - failed)
