"""What surrounds the process is read without a password, and the ranges are those that are installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.settings.surroundings import RANGES, is_within, read_surroundings

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    "proxy",
    [
        "http://proxy.example.com:3128",
        "http://ada:pass@proxy.example.com:3128/",
        "http://ada:p@ss/w@rd@proxy.example.com:3128",
        "ada:pass@proxy.example.com:3128",
        "proxy.example.com:3128",
    ],
)
def test_of_a_proxy_only_host_and_port_are_shown(proxy: str) -> None:
    assert read_surroundings({"HTTPS_PROXY": proxy}).variables == {"HTTPS_PROXY": "proxy.example.com:3128"}


def test_small_letters_count_too_and_an_empty_variable_does_not() -> None:
    found = read_surroundings({"https_proxy": "p.example.com:1", "no_proxy": "a, b", "HTTP_PROXY": ""}).variables
    assert found == {"HTTPS_PROXY": "p.example.com:1", "NO_PROXY": "a, b"}


def test_a_bundle_that_is_no_file_is_told_apart(tmp_path: Path) -> None:
    there = tmp_path / "ca.pem"
    there.write_text("", encoding="utf-8")
    found = read_surroundings({"SSL_CERT_FILE": str(there), "REQUESTS_CA_BUNDLE": str(tmp_path)})
    assert found.variables == {"SSL_CERT_FILE": str(there), "REQUESTS_CA_BUNDLE": str(tmp_path)}
    assert found.absent_bundles == {"REQUESTS_CA_BUNDLE"}


def test_what_is_installed_is_within_the_ranges() -> None:
    versions = read_surroundings({}).versions
    assert set(versions) == set(RANGES)
    assert all(version is not None and is_within(name, version) for name, version in versions.items()), versions


def test_the_ranges_are_those_of_the_requirements() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    streamlit = re.search(r"^streamlit\[performance\]~=(\d+)\.(\d+) ", text, re.MULTILINE)
    sdk = re.search(r"^databricks-sdk>=(\d+)\.(\d+),<(\d+) ", text, re.MULTILINE)

    assert streamlit and sdk
    major, minor = (int(part) for part in streamlit.groups())
    assert RANGES["streamlit"] == ((major, minor), (major + 1,))
    low, minor, high = (int(part) for part in sdk.groups())
    assert RANGES["databricks-sdk"] == ((low, minor), (high,))


def test_the_oldest_python_is_the_one_that_the_tools_check_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    low, _ = RANGES["python"]
    assert f'python_version = "{low[0]}.{low[1]}"' in text or f'"py{low[0]}{low[1]}"' in text
