"""Aliases: the same for the same name, of the same kind, once and for all; what explains an outage stays."""

from __future__ import annotations

import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.clouds import dedicated_gateway_hosts
from core.catalog.masking import Aliases, Kind, Mask, Sensitive
from core.catalog.sensitive import hosts, people
from core.model.workspace import Cloud, Environment

HOST = "adb-4455667788990011.11.azuredatabricks.net"
KNOWN = (
    *hosts([f"https://{HOST}"]),
    Sensitive(kind=Kind.NUMBER, text="4455667788990011"),
    *people(["robin.vale@orchard.example", "Ada Lovelace"]),
    Sensitive(kind=Kind.APP, text="coda"),
    Sensitive(kind=Kind.APP, text="coda-git"),
    Sensitive(kind=Kind.PRINCIPAL, text="orchard-deployer"),
)


def mask() -> Mask:
    return Mask(KNOWN, Aliases(b"fixed"))


ALIASES = {
    "a known host": (f"https://{HOST}/ai-gateway/mlflow/v1", "https://host-1.azure.example/ai-gateway/mlflow/v1"),
    "a host in capitals": (HOST.upper(), "host-1.azure.example"),
    "the beginning of its name": ("adb-4455667788990011", "host-1"),
    "another Azure host": ("adb-1.2.azuredatabricks.net", "host-2.azure.example"),
    "an AWS host": ("dbc-a1b2c3d4-e5f6.cloud.databricks.com", "host-2.aws.example"),
    "a Google Cloud host": ("123.4.gcp.databricks.com", "host-2.gcp.example"),
    "a company's own name": ("https://acme.databricks.com", "https://host-2.databricks.example"),
    "a dedicated gateway": (
        "4455667788990011.1.ai-gateway.azuredatabricks.net:443",
        "host-2.ai-gateway.azure.example:443",
    ),
    "an app's host": ("coda-44.11.azure.databricksapps.com", "host-2.databricksapps.example"),
    "any host of a URL": ("at https://models:8443/v1", "at https://host-2.example:8443/v1"),
    "the credentials of a URL": ("postgresql://ada:pw@db.corp.net/x", "postgresql://host-2.example/x"),
    "a host by its ending": ("PostgreSQL at db.corp.net.", "PostgreSQL at host-2.example."),
    "a workspace id": ("workspace 4455667788990011", "workspace 1000000000000001"),
    "another long id": ("account 112233445566778", "account 1000000000000002"),
    "a known person": ("by robin.vale@orchard.example", "by person-1@example.com"),
    "what stands before the @": ("[dev robin_vale] of Robin Vale", "[dev person-1] of person-1"),
    "a name of two words": ("Ada Lovelace says", "person-2 says"),
    "another person": ("to quinn@corp.example", "to person-3@example.com"),
    "a home": ("/home/quinn/.hermes/config.yaml", "/home/person-3/.hermes/config.yaml"),
    "a home on Windows": ("C:\\Users\\quinn\\.codex", "C:\\Users\\person-3\\.codex"),
    "a home in the workspace": ("/Workspace/Users/q@corp.example/x", "/Workspace/Users/person-3@example.com/x"),
    "a known app": ("coda can be redeployed", "app-1 can be redeployed"),
    "an app that begins like another": ("app:coda-git", "app:app-2"),
    "an app of former times": ("app:former", "app:app-3"),
    "a service principal": ("GRANT EXECUTE TO `orchard-deployer`", "GRANT EXECUTE TO `principal-1`"),
    "who owns a repository": ("https://github.com/orchard/agents", "https://github.com/group-1/agents"),
    "an address": ("from 10.20.30.40", "from 192.0.2.1"),
    "an address of version 6": ("from 2001:470:1f0b::5", "from 2001:db8::1"),
}


@pytest.mark.parametrize(("text", "alias"), ALIASES.values(), ids=ALIASES)
def test_a_name_becomes_an_alias_that_tells_its_kind(text: str, alias: str) -> None:
    assert mask().aliased(text) == alias


def test_ids_of_requests_and_principals_keep_their_form() -> None:
    shown = mask().aliased("id 0d15ea5e-1111-4000-8000-00000000cafe, run 01ef0123456789abcdef0123456789ab")
    assert re.fullmatch(r"id 00000000-0000-4000-8000-[0-9a-f]{12}, run 0{20}[0-9a-f]{12}", shown)


@pytest.mark.parametrize(
    "text",
    [
        "databricks-claude-opus-4-6 on system.ai.claude-opus-4-6",
        "404 model_not_on_route after 1234 ms, 5000000 tokens",
        "2026-08-21 09:00:10 UTC, 1735689600, 09:00:10",
        "file:hermes, ~/.hermes/config.yaml, app.yaml, model.base_url",
        "http://127.0.0.1:8501/routes, localhost:8501, ::1",
        "the zone .azuredatabricks.net, /home/.hermes/config.yaml",
        "https://docs.databricks.com/x and api.anthropic.com",
        "https://….azuredatabricks.net/ai-gateway",
        "inc-20260821-090000-a1b2c3 by 20260821-090000-123456789",
    ],
)
def test_what_explains_an_outage_or_is_everybodys_stays(text: str) -> None:
    assert mask().aliased(text) == text


@pytest.mark.parametrize(("text", "alias"), ALIASES.values(), ids=ALIASES)
def test_masking_once_more_changes_nothing(text: str, alias: str) -> None:
    one = mask()
    assert one.aliased(one.aliased(text)) == one.aliased(text)


PARTS = st.sampled_from(
    ["https://", HOST, "a@b.co.uk", "/home/", "10.1.2.3", "4455667788990011", "coda", ".", "-", " ", "@", ":", "\u2060"]
)


@given(st.lists(PARTS, max_size=8).map("".join))
def test_masking_once_more_changes_nothing_however_names_are_put_together(text: str) -> None:
    one = mask()
    assert one.aliased(one.aliased(text)) == one.aliased(text)


@given(st.lists(st.one_of(PARTS, st.text(max_size=4)), max_size=6).map(" ".join))
def test_a_host_between_any_words_is_gone(text: str) -> None:
    assert HOST not in mask().aliased(f"{text} {HOST} {text}")


def test_one_mask_after_another_goes_on_with_the_same_aliases() -> None:
    aliases = Aliases()
    first = Mask(KNOWN, aliases).aliased(f"{HOST} a@corp.example")
    later = Mask((*people(["new@corp.example"]), *KNOWN), aliases)
    assert later.aliased(f"{HOST} a@corp.example") == first


def test_more_names_than_can_be_numbered_keep_their_aliases_all_the_same() -> None:
    aliases = Aliases(b"fixed")
    for number in range(5001):
        aliases.number(Kind.PERSON, f"p{number}")
    assert aliases.number(Kind.PERSON, "late") == aliases.number(Kind.PERSON, "LATE") > 5000


def test_threads_agree_on_a_number() -> None:
    aliases, found = Aliases(), list[int]()
    names = [f"n{number}" for number in range(200)]
    threads = [
        threading.Thread(target=lambda: found.extend(aliases.number(Kind.HOST, name) for name in names))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted([*range(1, 201)] * 4)


def test_an_id_cannot_be_found_by_trying_without_the_process_own_key() -> None:
    text = "0d15ea5e-1111-4000-8000-00000000cafe"
    assert Mask((), Aliases(b"a")).aliased(text) != Mask((), Aliases(b"b")).aliased(text)


def test_in_a_document_only_texts_change() -> None:
    document = {"host": HOST, "bytes": 123456789012345, "list": [HOST, None, True], HOST: 1}
    assert mask().document(document) == {
        "host": "host-1.azure.example",
        "bytes": 123456789012345,
        "list": ["host-1.azure.example", None, True],
        HOST: 1,
    }


@pytest.mark.parametrize("part", ["a", "a.", "a-", "ab@", "a:", "://a", "1", "/home/", "x@a.", "a.com.", "abcdef01-"])
def test_a_body_that_was_made_to_take_for_ever_takes_a_moment(part: str) -> None:
    text = part * (65_536 // len(part))
    began = time.perf_counter()
    mask().aliased(text)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(("cloud", "word"), [(Cloud.AZURE, "azure"), (Cloud.AWS, "aws"), (Cloud.GCP, "gcp")], ids=str)
def test_every_guess_of_a_dedicated_gateway_is_masked_and_stays_one(cloud: Cloud, word: str) -> None:
    for name in dedicated_gateway_hosts(cloud, Environment.PUBLIC, "4455667788990011"):
        assert re.fullmatch(rf"host-\d\.ai-gateway\.{word}\.example", mask().aliased(name))
