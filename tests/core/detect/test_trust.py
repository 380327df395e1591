"""A bearer token goes to Databricks' zones, the configured workspace and trusted hosts, and to nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.clouds import zone_of
from core.detect.trust import Trust, make_trust, may_receive_bearer, origin_to_trust, with_hosts
from core.detect.urls import split_url
from core.errors import ConfigurationError
from core.model.trust import TrustedHost

ADB = "adb-2718281828459045.5.azuredatabricks.net"
TRUST = make_trust(
    "http://127.0.0.1:7777",
    ["gw.corp.example.com", "gw2.corp.example.com:8443", "localhost:9000", "https://[::1]:9443"],
)

ALLOWED = [
    f"https://{ADB}/ai-gateway/mlflow/v1/chat/completions",
    f"https://{ADB.upper()}/",
    f"https://{ADB}./x",
    f"https://{ADB}:443",
    f"https://{ADB}/models/a b#c\\d@evil.com:1",
    "https://27.3.ai-gateway.azuredatabricks.net/anthropic",
    "https://acme.databricks.com/api/2.0/x",
    "https://acme.cloud.databricks.mil",
    "http://127.0.0.1:7777/api",
    "https://gw.corp.example.com/x?y=z",
    "https://gw2.corp.example.com:8443/x",
    "http://localhost:9000/",
    "https://localhost:9000/",
    "https://[::1]:9443/",
]

REFUSED = {
    "stranger": "https://evil.example.com/",
    "zone as a prefix": f"https://{ADB}.evil.com/",
    "zone without its dot": "https://evilazuredatabricks.net/",
    "fragment trick": f"https://evil.com#.{ADB}/",
    "backslash trick": f"https://evil.com\\.{ADB}/",
    "backslash and at": f"https://evil.com\\@{ADB}/",
    "userinfo": f"https://{ADB}@evil.com/",
    "userinfo of a good host": f"https://evil.com@{ADB}/",
    "query trick": f"https://evil.com?.{ADB}/",
    "look-alike letter": "https://adb-1.azuredatabriсks.net/",
    "punycode": "https://xn--zuredatabricks-9ih.net/",
    "percent in the name": "https://evil.com%2f.azuredatabricks.net/",
    "space in the name": "https://evil.com .azuredatabricks.net/",
    "space before the name": f"https:// {ADB}/",
    "newline in the name": f"https://evil.com\n.{ADB}/",
    "http": f"http://{ADB}/",
    "other scheme": f"ftp://{ADB}/",
    "no scheme": f"{ADB}/",
    "scheme-relative": f"//{ADB}/",
    "one slash": f"https:/{ADB}/",
    "no host": "https:///x",
    "empty": "",
    "other port of a zone host": f"https://{ADB}:8443/",
    "address": "https://10.0.0.1/",
    "metadata address": "http://169.254.169.254/",
    "decimal address": "https://2130706433/",
    "hexadecimal address": "https://0x7f.1/",
    "IPv6": "https://[2001:db8::1]/",
    "other port of a trusted host": "https://gw.corp.example.com:8443/",
    "trusted host without its port": "https://gw2.corp.example.com/",
    "below a trusted host": "https://x.gw.corp.example.com/",
    "loopback of another port": "http://127.0.0.1:7778/",
    "other scheme of the workspace": "https://127.0.0.1:7777/",
    "another name of loopback": "http://localhost:7777/",
    "other scheme of a trusted loopback": "http://[::1]:9443/",
    "Databricks app": "https://coda-27.aws.databricksapps.com/",
    "community site": "https://community.databricks.com/",
}


@pytest.mark.parametrize("url", ALLOWED)
def test_a_trusted_url_may_receive_a_bearer(url: str) -> None:
    assert may_receive_bearer(url, TRUST) is None


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
def test_any_other_url_may_not(url: str) -> None:
    reason = may_receive_bearer(url, TRUST)
    assert reason
    assert reason.endswith(".")


def test_without_configuration_loopback_is_not_trusted() -> None:
    assert may_receive_bearer("http://127.0.0.1:80/", Trust()) is not None


@given(st.text() | st.text().map(lambda text: f"https://{text}"))
def test_arbitrary_text_is_trusted_only_inside_a_zone(url: str) -> None:
    if may_receive_bearer(url, Trust()) is None:
        head = url.partition("://")[2].partition("/")[0].partition("?")[0]
        assert zone_of(split_url(f"https://{head}", setting="x").hostname)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("127.0.0.1", "trusted_host_malformed"),
        ("localhost", "trusted_host_malformed"),
        ("gw.corp.example.com/path", "trusted_host_malformed"),
        ("http://gw.corp.example.com", "host_insecure"),
        ("10.0.0.1:443", "host_ip_literal"),
        ("*.example.com", "host_malformed"),
    ],
)
def test_an_entry_that_names_no_host_is_refused(entry: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_trust(None, [entry])
    assert caught.value.code == code
    assert caught.value.message.startswith("SWITCHYARD_TRUSTED_HOSTS ")


@pytest.mark.parametrize("entry", ["127.0.0.1:443", "localhost:80", "[::1]:443"])
def test_a_loopback_entry_with_a_usual_port_is_taken(entry: str) -> None:
    assert len(make_trust(None, [entry]).trusted_origins) == 2


def test_an_entry_may_say_that_its_addresses_are_private() -> None:
    trust = make_trust(None, ["gw.corp.example.com=private", "gw2.corp.example.com"])
    assert trust.trusted_origins == {"https://gw.corp.example.com", "https://gw2.corp.example.com"}
    assert trust.private_origins == {"https://gw.corp.example.com"}


def test_what_admins_trust_comes_to_what_the_settings_say() -> None:
    settings = make_trust("https://ws.example.com", ["a.example.com"])
    at = datetime(2030, 1, 2, tzinfo=UTC)
    host = TrustedHost(origin="https://b.example.com", private=True, reason="r", actor="ada", at=at)
    trust = with_hosts(settings, [host, replace(host, origin="https://c.example.com", private=False)])
    assert trust.trusted_origins == {f"https://{name}.example.com" for name in "abc"}
    assert trust.private_origins == {"https://b.example.com"}
    assert may_receive_bearer("https://c.example.com/v1", trust) is None


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://evil.example.com/path?key=dapi0123456789", "https://evil.example.com"),
        ("https://user:dapi0123456789@evil.example.com/", "a URL that names no host"),
        ("dapi0123456789", "a URL that names no host"),
    ],
)
def test_a_refused_host_is_named_without_what_could_be_a_token(url: str, named: str) -> None:
    assert origin_to_trust(url) == named
