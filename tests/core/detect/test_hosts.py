"""Every form of host is read as people type it; what cannot be meant is refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.hosts import HostForm, parse_gateway_url, parse_host
from core.detect.trust import Trust, make_trust
from core.errors import ConfigurationError
from core.model.gateway import Generation
from core.model.workspace import Cloud, Environment

ADB = "adb-2718281828459045.5.azuredatabricks.net"

# Text as typed: origin, cloud, form, id in the name, id in the query.
FORMS = {
    "azure": (ADB, Cloud.AZURE, HostForm.WORKSPACE, "2718281828459045"),
    "azure private link": (
        "adb-dp-2718281828459045.5.azuredatabricks.net",
        Cloud.AZURE,
        HostForm.WORKSPACE,
        "2718281828459045",
    ),
    "azure regional": ("westeurope.azuredatabricks.net", Cloud.AZURE, HostForm.REGIONAL, None),
    "azure custom": ("acme.azuredatabricks.net", Cloud.AZURE, HostForm.CUSTOM, None),
    "azure staging": ("adb-31.1.staging.azuredatabricks.net", Cloud.AZURE, HostForm.WORKSPACE, "31"),
    "azure dev": ("adb-31.1.dev.azuredatabricks.net", Cloud.AZURE, HostForm.WORKSPACE, "31"),
    "azure gov": ("adb-31.1.databricks.azure.us", Cloud.AZURE, HostForm.WORKSPACE, "31"),
    "azure china": ("adb-31.1.databricks.azure.cn", Cloud.AZURE, HostForm.WORKSPACE, "31"),
    "azure china regional": ("chinaeast2.databricks.azure.cn", Cloud.AZURE, HostForm.REGIONAL, None),
    "aws": ("dbc-a1b2c3d4-e5f6.cloud.databricks.com", Cloud.AWS, HostForm.WORKSPACE, None),
    "aws named": ("acme.cloud.databricks.com", Cloud.AWS, HostForm.WORKSPACE, None),
    "aws gov": ("acme.cloud.databricks.us", Cloud.AWS, HostForm.WORKSPACE, None),
    "dod": ("acme.cloud.databricks.mil", Cloud.AWS, HostForm.WORKSPACE, None),
    "aws staging": ("acme.staging.cloud.databricks.com", Cloud.AWS, HostForm.WORKSPACE, None),
    "aws dev": ("acme.dev.databricks.com", Cloud.AWS, HostForm.WORKSPACE, None),
    "gcp": ("2718281828459045.5.gcp.databricks.com", Cloud.GCP, HostForm.WORKSPACE, "2718281828459045"),
    "gcp staging": ("31.1.staging.gcp.databricks.com", Cloud.GCP, HostForm.WORKSPACE, "31"),
    "custom": ("acme.databricks.com", Cloud.UNKNOWN, HostForm.CUSTOM, None),
}


@pytest.mark.parametrize(("name", "cloud", "form", "workspace_id"), FORMS.values(), ids=FORMS.keys())
def test_every_host_form_is_understood(name: str, cloud: Cloud, form: HostForm, workspace_id: str | None) -> None:
    host = parse_host(f"https://{name}/")
    assert (host.origin, host.hostname, host.port) == (f"https://{name}", name, 443)
    assert host.zone is not None
    assert (host.zone.cloud, host.form, host.workspace_id_from_name) == (cloud, form, workspace_id)


def test_an_unknown_zone_stays_unknown() -> None:
    host = parse_host("data.corp.example.com")
    assert (host.zone, host.form) == (None, HostForm.UNKNOWN)


def test_an_azure_like_name_in_an_unknown_zone_gives_no_id() -> None:
    assert parse_host("adb-31.1.corp.example.com").workspace_id_from_name is None


@pytest.mark.parametrize(
    "typed",
    [
        ADB,
        f"https://{ADB}",
        f"HTTPS://{ADB.upper()}",
        f"https://{ADB}/",
        f"https://{ADB}./",
        f"https://{ADB}:443",
        f" https://{ADB}/browse/folders/1 ",
        f"{ADB}:443/login.html",
        f"https://{ADB}?o=31",
    ],
)
def test_people_may_type_a_host_in_many_ways(typed: str) -> None:
    assert parse_host(typed).origin == f"https://{ADB}"


@pytest.mark.parametrize(
    ("query", "workspace_id"),
    [("?o=31", "31"), ("/?o=31", "31"), ("/?a=b&o=team-one", "team-one"), ("/?a=b", None), ("/?o=31&o=31", "31")],
)
def test_the_workspace_id_of_a_pasted_link_is_kept(query: str, workspace_id: str | None) -> None:
    assert parse_host("westeurope.azuredatabricks.net" + query).workspace_id_from_query == workspace_id


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://127.8.8.8:9000", "http://127.8.8.8:9000"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:80", "http://localhost"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]"),
    ],
)
def test_loopback_may_be_http_an_address_and_any_port(typed: str, origin: str) -> None:
    host = parse_host(typed)
    assert (host.origin, host.is_loopback) == (origin, True)


def test_a_company_proxy_may_have_a_high_port() -> None:
    assert parse_host("https://data.corp.example.com:8443").origin == "https://data.corp.example.com:8443"


REFUSED = {
    "empty": ("", "host_malformed"),
    "only a scheme": ("https://", "host_malformed"),
    "only a dot": (".", "host_malformed"),
    "only slashes": ("///", "host_malformed"),
    "other scheme": (f"ftp://{ADB}", "host_malformed"),
    "scheme twice": (f"https://https://{ADB}", "host_port"),
    "space inside": ("adb 1.azuredatabricks.net", "host_malformed"),
    "newline inside": (f"{ADB}\nevil.com", "host_malformed"),
    "NUL": (f"{ADB}\0", "host_malformed"),
    "tab inside": (f"evil.com\t.{ADB}", "host_malformed"),
    "backslash": (f"evil.com\\.{ADB}", "host_malformed"),
    "fragment before the zone": (f"evil.com#.{ADB}", "host_malformed"),
    "fragment after a slash": (f"evil.com/#.{ADB}", "host_malformed"),
    "query before the zone": (f"evil.com?.{ADB}", "host_malformed"),
    "percent in the name": ("adb%2e.azuredatabricks.net", "host_malformed"),
    "underscore": ("a_b.cloud.databricks.com", "host_malformed"),
    "two dots": ("a..cloud.databricks.com", "host_malformed"),
    "two trailing dots": (f"{ADB}..", "host_malformed"),
    "leading dot": (".cloud.databricks.com", "host_malformed"),
    "leading hyphen": ("-a.cloud.databricks.com", "host_malformed"),
    "label too long": ("a" * 64 + ".cloud.databricks.com", "host_malformed"),
    "name too long": ("a." * 130 + "cloud.databricks.com", "host_malformed"),
    "text too long": (ADB + "/" + "a" * 3000, "host_malformed"),
    "no dot": ("workspace", "host_malformed"),
    "two hosts": (f"{ADB},{ADB}", "host_malformed"),
    "look-alike letter": ("adb-1.2.azuredatabriсks.net", "host_malformed"),
    "fullwidth dot": ("adb-1。azuredatabricks.net", "host_malformed"),
    "punycode": ("xn--80ak6aa92e.com", "host_malformed"),
    "brackets without address": ("https://[nonsense]", "host_malformed"),
    "bracket not closed": ("https://[::1", "host_malformed"),
    "conflicting ids": (f"{ADB}/?o=1&o=2", "host_malformed"),
    "id that is none": (f"{ADB}/?o=", "host_malformed"),
    "plain http": (f"http://{ADB}", "host_insecure"),
    "plain http elsewhere": ("http://data.corp.example.com", "host_insecure"),
    "loopback look-alike": ("http://localhost.example.com", "host_insecure"),
    "address": ("https://10.1.2.3", "host_ip_literal"),
    "metadata address": ("http://169.254.169.254", "host_ip_literal"),
    "zero address": ("https://0.0.0.0", "host_ip_literal"),
    "decimal address": ("https://2130706433", "host_ip_literal"),
    "hexadecimal address": ("https://0x7f000001", "host_ip_literal"),
    "octal address": ("https://0177.0.0.1", "host_ip_literal"),
    "short address": ("https://127.1", "host_ip_literal"),
    "address with a trailing dot": ("https://10.1.2.3.", "host_ip_literal"),
    "IPv6": ("https://[2001:db8::1]", "host_ip_literal"),
    "IPv4 in IPv6": ("https://[::ffff:127.0.0.1]", "host_ip_literal"),
    "IPv6 with a zone": ("https://[fe80::1%25eth0]", "host_ip_literal"),
    "name and password": (f"https://me:secret@{ADB}", "host_userinfo"),
    "host in the user name": (f"https://{ADB}@evil.com", "host_userinfo"),
    "account console": ("https://accounts.cloud.databricks.com", "host_account_console"),
    "azure account console": ("accounts.azuredatabricks.net", "host_account_console"),
    "gcp account console": ("accounts.gcp.databricks.com", "host_account_console"),
    "dod account console": ("accounts-dod.cloud.databricks.us", "host_account_console"),
    "gateway": ("27.ai-gateway.cloud.databricks.com", "host_gateway"),
    "port zero": (f"{ADB}:0", "host_port"),
    "port too high": (f"{ADB}:65536", "host_port"),
    "port empty": (f"{ADB}:", "host_port"),
    "port of a mail server": ("data.corp.example.com:25", "host_port"),
    "other port of Databricks": (f"{ADB}:8443", "host_port"),
    "port that is no number": (f"{ADB}:https", "host_malformed"),
}


@pytest.mark.parametrize(("typed", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant_is_refused(typed: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_host(typed)
    assert caught.value.code == code
    assert caught.value.message.startswith("DATABRICKS_HOST ")
    assert caught.value.message.count(". ") == 0
    assert caught.value.remedy


def test_a_password_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_host(f"https://me:hunter2@{ADB}")
    assert "hunter2" not in caught.value.message + caught.value.remedy


_PIECES = (
    *("https", "http", "://", "/", "\\", "@", ":", "[", "]", "#", "?", "o=", "%", ".", "..", "localhost", "127.0.0.1"),
    *("0x7f", "2130706433", "::1", "adb-1", ".5", ".azuredatabricks.net", "evil.com", "xn--", "443", "é", "\0", " "),
)
_HOSTLIKE = st.lists(st.sampled_from(_PIECES), max_size=8).map("".join)


@given(st.text() | _HOSTLIKE)
def test_arbitrary_text_gives_a_host_or_a_configuration_error(typed: str) -> None:
    try:
        host = parse_host(typed)
    except ConfigurationError:
        return
    assert host.scheme == "https" or host.is_loopback
    assert parse_host(host.origin).origin == host.origin


WORKSPACE = parse_host(ADB)
TRUST = make_trust(WORKSPACE.origin, ["gateway.corp.example.com", "127.0.0.1:9000"])

GATEWAYS = {
    "workspace gateway": (f"https://{ADB}/ai-gateway/", f"https://{ADB}/ai-gateway", Generation.WORKSPACE),
    "bare workspace": (f"https://{ADB}/", f"https://{ADB}/ai-gateway", Generation.WORKSPACE),
    "without a scheme": (ADB, f"https://{ADB}/ai-gateway", Generation.WORKSPACE),
    "serving-endpoints": (
        f"https://{ADB}/serving-endpoints",
        f"https://{ADB}/serving-endpoints",
        Generation.SERVING_ENDPOINTS,
    ),
    "dedicated": (
        "https://27.3.ai-gateway.azuredatabricks.net/",
        "https://27.3.ai-gateway.azuredatabricks.net",
        Generation.DEDICATED,
    ),
    "trusted host": ("gateway.corp.example.com", "https://gateway.corp.example.com", Generation.DEDICATED),
    "trusted host with a path": (
        "https://gateway.corp.example.com/dbx//ai-gateway",
        "https://gateway.corp.example.com/dbx/ai-gateway",
        Generation.WORKSPACE,
    ),
    "trusted loopback": ("http://127.0.0.1:9000", "http://127.0.0.1:9000", Generation.DEDICATED),
}


@pytest.mark.parametrize(("typed", "base_url", "generation"), GATEWAYS.values(), ids=GATEWAYS.keys())
def test_an_explicit_gateway_keeps_its_path_and_shows_its_generation(
    typed: str, base_url: str, generation: Generation
) -> None:
    gateway = parse_gateway_url(typed, WORKSPACE, TRUST)
    assert (gateway.base_url, gateway.generation) == (base_url, generation)


def test_the_gateway_may_be_the_loopback_origin_of_the_workspace() -> None:
    workspace = parse_host("http://127.0.0.1:7777")
    gateway = parse_gateway_url("http://127.0.0.1:7777", workspace, Trust(workspace_origin=workspace.origin))
    assert gateway.base_url == "http://127.0.0.1:7777/ai-gateway"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("http://127.0.0.1:9001", "gateway_untrusted"),
        ("http://localhost:9000", "gateway_untrusted"),
        ("https://[::1]:9000/ai-gateway", "gateway_untrusted"),
        ("https://evil.example.com/ai-gateway", "gateway_untrusted"),
        ("https://coda-27.aws.databricksapps.com", "gateway_untrusted"),
        ("https://gateway.corp.example.com:8443", "gateway_untrusted"),
        ("http://gateway.corp.example.com", "host_insecure"),
        ("https://10.0.0.1/ai-gateway", "host_ip_literal"),
        (f"https://a:b@{ADB}/ai-gateway", "host_userinfo"),
        ("https://accounts.azuredatabricks.net/ai-gateway", "host_account_console"),
        (f"https://{ADB}/ai-gateway?o=1", "host_malformed"),
        (f"https://{ADB}/ai-gateway/mlflow/v1", "gateway_path"),
        (f"https://{ADB}/something", "gateway_path"),
        ("https://27.3.ai-gateway.azuredatabricks.net/mlflow/v1", "gateway_path"),
        (f"https://{ADB}:8443/ai-gateway", "host_port"),
    ],
)
def test_a_gateway_that_cannot_be_meant_or_trusted_is_refused(typed: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_gateway_url(typed, WORKSPACE, TRUST)
    assert caught.value.code == code
    assert caught.value.message.startswith("DATABRICKS_GATEWAY_HOST ")


@given(st.text() | _HOSTLIKE)
def test_arbitrary_gateway_text_gives_a_gateway_or_a_configuration_error(typed: str) -> None:
    try:
        gateway = parse_gateway_url(typed, WORKSPACE, TRUST)
    except ConfigurationError:
        return
    assert not gateway.base_url.endswith("/")


def test_environments_are_told_apart() -> None:
    zones = [parse_host(f"adb-31.1.{suffix}").zone for suffix in ("databricks.azure.us", "databricks.azure.cn")]
    assert [zone and zone.environment for zone in zones] == [Environment.GOV, Environment.CHINA]
