"""What is known to name an environment: from every corner of the snapshot, and no word that every page uses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.catalog.masking import Kind
from core.catalog.sensitive import Masks, hosts, people, sensitive_texts
from core.model.snapshot import Snapshot
from core.model.workspace import IdentityKind, WorkspaceIdentity
from core.settings import Settings
from tests.fakes import named, snapshots

NOTHING_SET = Settings(scene="healthy")


def known(snapshot: Snapshot, settings: Settings = NOTHING_SET) -> dict[str, Kind]:
    return {item.text: item.kind for item in sensitive_texts(snapshot, settings)}


def test_the_workspace_comes_first() -> None:
    assert sensitive_texts(snapshots.healthy(), NOTHING_SET)[0].text == named.HOST


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (named.HOST, Kind.HOST),
        (f"adb-{named.WORKSPACE_ID}", Kind.HOST),
        (named.WORKSPACE_ID, Kind.NUMBER),
        (named.OWN_HOST, Kind.HOST),
        ("db.orchard.example", Kind.HOST),
        ("prober-box", Kind.MACHINE),
        ("robin.vale@orchard.example", Kind.PERSON),
        ("robin_vale", Kind.PERSON),
        ("casey.rowe", Kind.PERSON),
        ("quinn.marsh", Kind.PERSON),
        ("orchard-oncall", Kind.GROUP),
        ("fruit-agents", Kind.APP),
        ("fruit-agents-git", Kind.APP),
    ],
)
def test_a_name_is_known_as_what_it_is(text: str, kind: Kind) -> None:
    assert known(named.snapshot(), named.settings())[text] is kind


def test_a_service_principal_is_no_person() -> None:
    identity = WorkspaceIdentity(name="orchard-deployer", kind=IdentityKind.SERVICE_PRINCIPAL)
    assert known(replace(snapshots.healthy(), identity=identity))["orchard-deployer"] is Kind.PRINCIPAL


@pytest.mark.parametrize("name", ["root", "admin", "Hermes", "claude", "Claude Code", "ab", "databricks", ""])
def test_a_word_that_pages_use_themselves_names_nobody(name: str) -> None:
    assert list(people([name])) == []


@pytest.mark.parametrize("address", [None, "", "http://127.0.0.1:8501", "localhost", "https://[broken"])
def test_what_is_no_host_of_others_is_left_out(address: str | None) -> None:
    assert list(hosts([address])) == []


def test_nothing_known_is_a_mask_too() -> None:
    assert Masks().mask(Snapshot(), NOTHING_SET).aliased("a@corp.example") == "person-1@example.com"


def test_the_mask_stays_the_same_one_until_something_new_is_known() -> None:
    masks, shown = Masks(), snapshots.healthy()
    first = masks.mask(shown, NOTHING_SET)
    assert masks.mask(replace(shown, offline="away"), NOTHING_SET) is first
    assert masks.learn(people(["Ada Lovelace"]))
    assert not masks.learn(people(["Ada Lovelace"]))
    assert masks.mask(shown, NOTHING_SET).aliased("Ada Lovelace") == "person-1"


def test_what_is_learned_is_bounded() -> None:
    masks = Masks()
    assert masks.learn(people(f"visitor{number}" for number in range(5001)))
    assert not masks.learn(people(["one-more"]))
