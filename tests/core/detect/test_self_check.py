"""Every state that a deployment can be in has its word, and nothing that is not known is called fine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.detect.self_check import GRANTS, Facts, self_check
from core.model.change import TargetInfo, TargetKind
from core.model.gateway import GatewaySource
from core.model.history import Keeping
from core.model.models import ListingOutcome, ListingResult, ModelCatalogue
from core.model.self_check import SelfCheckItem, Verdict
from core.model.snapshot import Problem, Snapshot
from core.model.workspace import IdentityKind, WorkspaceIdentity
from core.settings import Settings
from core.settings.surroundings import RANGES, Surroundings
from tests.fakes.snapshots import healthy

GOOD = Surroundings(versions={"python": "3.11.7", "streamlit": "1.67.0", "databricks-sdk": "0.156.0"})
HERE = Settings(host="https://ws.example.com")
INSIDE = Settings(
    host="https://ws.example.com",
    app_name="switchyard",
    client_id="an-id",
    inside_databricks_apps=True,
    admins=("ada@example.com",),
)
SEEN = replace(healthy(), keeping=Keeping(place="PostgreSQL at db.example.com"))
GONE = Problem(code="credential_dead", message="The token was refused.", remedy="Renew it.")
NO_APPS = Problem(code="no_app_seen", message="No app is shown.", remedy="Grant CAN_MANAGE.")


def item(
    code: str,
    *,
    seen: Snapshot = SEEN,
    settings: Settings = HERE,
    around: Surroundings = GOOD,
    channels: int = 0,
    token_forwarded: bool | None = None,
) -> SelfCheckItem:
    facts = Facts(seen=seen, settings=settings, around=around, channels=channels, token_forwarded=token_forwarded)
    return next(one for one in self_check(facts) if one.code == code)


def around(**variables: str) -> Surroundings:
    return replace(GOOD, variables=variables)


def app(name: str, *, writable: bool) -> TargetInfo:
    return TargetInfo(id=f"app:{name}", kind=TargetKind.APP, agents=(), writable=writable, reason=f"reason of {name}.")


def test_each_thing_is_checked_once_and_has_a_name() -> None:
    codes = [one.code for one in self_check(Facts(seen=SEEN, settings=HERE, around=GOOD))]
    assert codes == [
        *("credential", "workspace", "models", "gateway", "apps", "database"),
        *("place", "admins", "user_authorization", "alerts", "proxy", "certificates", "versions"),
    ]


def test_before_anything_was_asked_nothing_of_the_workspace_is_fine() -> None:
    items = self_check(Facts(seen=Snapshot(), settings=INSIDE, around=GOOD))
    asked = {one.code: one.verdict for one in items[:6]}
    assert asked == dict.fromkeys(asked, Verdict.UNKNOWN)


def test_while_it_is_offline_what_was_seen_before_is_not_called_fine() -> None:
    items = self_check(Facts(seen=replace(SEEN, offline="Nothing answers."), settings=HERE, around=GOOD))
    words = {one.code: one.verdict for one in items}
    assert words["workspace"] is Verdict.MISSING
    assert [words[code] for code in ("credential", "models", "gateway")] == [Verdict.UNKNOWN] * 3


def test_whatever_is_missing_or_wants_attention_says_what_to_do() -> None:
    bad = replace(
        SEEN,
        problem=GONE,
        catalogue=replace(ModelCatalogue(), sources=(_listing(ListingOutcome.FAILED, 0),)),
        targets=(),
        apps_problem=NO_APPS,
        keeping=Keeping(place="SQLite", durable=False),
        gateway=replace(SEEN.gateway, source=GatewaySource.NONE) if SEEN.gateway else None,
    )
    settings = replace(INSIDE, admins=())
    items = self_check(Facts(seen=bad, settings=settings, around=around(HTTP_PROXY="proxy.example.com:3128")))
    wanting = [one for one in items if one.verdict in (Verdict.MISSING, Verdict.ATTENTION)]
    assert {one.code for one in wanting} == {
        *("credential", "models", "gateway", "apps", "database", "admins", "proxy")
    }
    assert all(one.remedy for one in wanting)


def _listing(outcome: ListingOutcome, count: int) -> ListingResult:
    return ListingResult(source="serving-endpoints", outcome=outcome, count=count, detail="")


@pytest.mark.parametrize("code", ["credential_missing", "credential_dead", "credential_unsupported"])
def test_a_credential_without_a_token_is_missing(code: str) -> None:
    found = item("credential", seen=replace(SEEN, problem=replace(GONE, code=code)))
    assert (found.verdict, found.sentence, found.remedy) == (Verdict.MISSING, GONE.message, GONE.remedy)


def test_a_credential_that_the_workspace_named_is_fine_and_says_its_kind() -> None:
    found = item("credential")
    assert found.verdict is Verdict.FINE
    assert "a service principal, switchyard-app" in found.sentence


@pytest.mark.parametrize(
    "identity",
    [None, WorkspaceIdentity(name=None, kind=IdentityKind.TOKEN), WorkspaceIdentity(name="x", kind=IdentityKind.NONE)],
    ids=["nobody", "nameless", "no credential"],
)
def test_a_credential_that_nobody_named_is_unknown(identity: WorkspaceIdentity | None) -> None:
    assert item("credential", seen=replace(SEEN, identity=identity)).verdict is Verdict.UNKNOWN


def test_a_workspace_that_contradicts_itself_wants_attention() -> None:
    assert SEEN.workspace is not None
    seen = replace(SEEN, workspace=replace(SEEN.workspace, contradictions=("ids differ",)))
    assert item("workspace", seen=seen).verdict is Verdict.ATTENTION
    assert item("workspace").verdict is Verdict.FINE


def test_a_workspace_that_could_not_be_reached_for_a_token_is_missing() -> None:
    seen = replace(SEEN, problem=replace(GONE, code="workspace_unreachable"))
    assert item("workspace", seen=seen).verdict is Verdict.MISSING


def test_a_workspace_of_which_nothing_came_back_is_unknown() -> None:
    seen = replace(SEEN, identity=None, catalogue=ModelCatalogue(sources=(_listing(ListingOutcome.FAILED, 0),)))
    assert item("workspace", seen=seen).verdict is Verdict.UNKNOWN


def test_the_simulated_workspace_is_called_simulated() -> None:
    assert "simulated" in item("workspace", settings=Settings(scene="healthy")).sentence


def test_models_that_nobody_lists_point_to_the_grants() -> None:
    seen = replace(SEEN, catalogue=ModelCatalogue(sources=(_listing(ListingOutcome.OK, 0),)))
    found = item("models", seen=seen)
    assert (found.verdict, found.command) == (Verdict.MISSING, GRANTS)


def test_models_of_which_a_part_only_was_listed_want_attention() -> None:
    catalogue = replace(SEEN.catalogue, sources=(_listing(ListingOutcome.PARTIAL, 3),))
    assert item("models", seen=replace(SEEN, catalogue=catalogue)).verdict is Verdict.ATTENTION


def test_one_listing_is_enough_and_the_other_is_named() -> None:
    found = item("models")
    assert found.verdict is Verdict.FINE
    assert "model-services" in found.sentence


def test_a_gateway_that_was_switched_off_on_purpose_is_not_used() -> None:
    assert SEEN.gateway is not None
    off = replace(SEEN, gateway=replace(SEEN.gateway, source=GatewaySource.DISABLED))
    assert item("gateway", seen=off).verdict is Verdict.NOT_USED
    assert item("gateway").verdict is Verdict.FINE


def test_an_app_that_may_be_changed_is_fine_and_one_that_may_not_says_why() -> None:
    fine = item("apps", seen=replace(SEEN, targets=(app("coda", writable=True),)))
    assert (fine.verdict, fine.remedy) == (Verdict.FINE, "")
    held = item("apps", seen=replace(SEEN, targets=(app("coda", writable=True), app("held", writable=False))))
    assert (held.verdict, held.command) == (Verdict.ATTENTION, GRANTS)
    assert "May be changed: coda." in held.sentence and "held: reason of held." in held.sentence


def test_only_the_named_app_counts() -> None:
    seen = replace(SEEN, targets=(app("coda", writable=True), app("held", writable=False)))
    assert item("apps", seen=seen, settings=replace(HERE, agents_app="coda")).verdict is Verdict.FINE
    gone = item("apps", seen=seen, settings=replace(HERE, agents_app="elsewhere"))
    assert (gone.verdict, gone.command) == (Verdict.MISSING, GRANTS)
    assert "elsewhere" in gone.sentence


def test_no_app_is_missing_on_databricks_apps_and_nothing_on_somebodys_own_machine() -> None:
    seen = replace(SEEN, targets=(), apps_problem=NO_APPS)
    inside, here = item("apps", seen=seen, settings=INSIDE), item("apps", seen=seen)
    assert (inside.verdict, inside.remedy, inside.command) == (Verdict.MISSING, NO_APPS.remedy, GRANTS)
    assert (here.verdict, here.remedy, here.command) == (Verdict.NOT_USED, "", "")


def test_apps_that_could_not_be_asked_for_are_not_taken_for_none() -> None:
    away = Problem(code="workspace_unreachable", message="No answer.", remedy="Check the path.")
    assert item("apps", seen=replace(SEEN, targets=(), apps_problem=away)).verdict is Verdict.MISSING


@pytest.mark.parametrize(
    ("keeping", "verdict"),
    [
        (Keeping(place="PostgreSQL"), Verdict.FINE),
        (Keeping(), Verdict.UNKNOWN),
        (Keeping(place="SQLite", durable=False), Verdict.ATTENTION),
        (Keeping(place="PostgreSQL", problem="It does not answer.", remedy="Start it."), Verdict.MISSING),
    ],
    ids=["kept", "not opened yet", "ends with the container", "away"],
)
def test_the_database(keeping: Keeping, verdict: Verdict) -> None:
    found = item("database", seen=replace(SEEN, keeping=keeping))
    assert found.verdict is verdict
    assert bool(found.remedy) is (verdict in (Verdict.ATTENTION, Verdict.MISSING))


def test_a_disk_that_ends_with_the_container_names_the_deployment_that_does_not() -> None:
    found = item("database", seen=replace(SEEN, keeping=Keeping(place="SQLite", durable=False)))
    assert found.command == "databricks bundle deploy --target lakebase"


def test_where_it_runs() -> None:
    assert item("place", settings=INSIDE).verdict is Verdict.FINE
    assert item("place").verdict is Verdict.NOT_USED
    assert item("place", settings=replace(HERE, app_name="half")).verdict is Verdict.ATTENTION


def test_who_is_admin() -> None:
    assert item("admins").verdict is Verdict.FINE
    assert item("admins", settings=INSIDE).sentence == "SWITCHYARD_ADMINS has 1 entry."
    assert item("admins", settings=replace(INSIDE, admins=())).verdict is Verdict.ATTENTION


@pytest.mark.parametrize(
    ("settings", "forwarded", "verdict"),
    [
        (HERE, None, Verdict.NOT_USED),
        (INSIDE, None, Verdict.UNKNOWN),
        (INSIDE, False, Verdict.NOT_USED),
        (INSIDE, True, Verdict.FINE),
    ],
    ids=["outside apps", "no page to see it", "off", "on"],
)
def test_user_authorization(settings: Settings, forwarded: bool | None, verdict: Verdict) -> None:
    assert item("user_authorization", settings=settings, token_forwarded=forwarded).verdict is verdict


def test_alerts_without_a_channel_are_not_used() -> None:
    assert item("alerts").verdict is Verdict.NOT_USED
    assert item("alerts", channels=2).verdict is Verdict.FINE


def test_a_proxy_is_fine_only_once_the_workspace_was_reached() -> None:
    proxied = around(HTTPS_PROXY="proxy.example.com:3128", NO_PROXY="localhost")
    assert item("proxy", around=proxied).verdict is Verdict.FINE
    assert item("proxy", around=proxied, seen=replace(SEEN, offline="Nothing answers.")).verdict is Verdict.UNKNOWN
    assert item("proxy", around=proxied, settings=Settings(scene="healthy")).verdict is Verdict.UNKNOWN
    assert item("proxy", around=around(HTTP_PROXY="p.example.com:1")).verdict is Verdict.ATTENTION
    assert item("proxy", around=around(NO_PROXY="localhost")).verdict is Verdict.NOT_USED


def test_certificates_have_to_be_the_same_for_us_and_for_the_sdk() -> None:
    assert item("certificates").verdict is Verdict.NOT_USED
    assert item("certificates", around=around(REQUESTS_CA_BUNDLE="/ca.pem")).verdict is Verdict.FINE
    both = around(REQUESTS_CA_BUNDLE="/ca.pem", SSL_CERT_FILE="/ca.pem")
    assert item("certificates", around=both).verdict is Verdict.FINE
    assert item("certificates", around=around(SSL_CERT_FILE="/ca.pem")).verdict is Verdict.ATTENTION
    differ = around(REQUESTS_CA_BUNDLE="/a.pem", SSL_CERT_FILE="/b.pem")
    assert item("certificates", around=differ).verdict is Verdict.ATTENTION


def test_a_bundle_that_is_no_file_is_missing() -> None:
    absent = replace(around(REQUESTS_CA_BUNDLE="/ca.pem"), absent_bundles=frozenset({"REQUESTS_CA_BUNDLE"}))
    found = item("certificates", around=absent)
    assert found.verdict is Verdict.MISSING
    assert "REQUESTS_CA_BUNDLE" in found.sentence


@pytest.mark.parametrize(
    ("name", "version", "verdict"),
    [
        ("streamlit", "1.67.0", Verdict.FINE),
        ("streamlit", "1.38.0", Verdict.ATTENTION),
        ("streamlit", "2.0.0", Verdict.ATTENTION),
        ("databricks-sdk", "0.33.0", Verdict.ATTENTION),
        ("databricks-sdk", "nonsense", Verdict.ATTENTION),
        ("python", "3.10.13", Verdict.ATTENTION),
        ("python", "3.14.0rc1", Verdict.FINE),
        ("streamlit", None, Verdict.MISSING),
    ],
)
def test_a_version_out_of_its_range_wants_attention(name: str, version: str | None, verdict: Verdict) -> None:
    assert name in RANGES
    found = item("versions", around=replace(GOOD, versions={**GOOD.versions, name: version}))
    assert found.verdict is verdict
