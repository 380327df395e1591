"""Redaction mode: nothing on any page names this environment, and every button still means the real thing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.text_format import MessageToString
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from core.catalog.masking import Aliases, Mask
from pages.ui import switch_form, switch_route
from pages.ui.literals import JSON, JSON_LINES, masked_file
from pages.ui.switch_slots import slot_key
from tests.fakes import named
from tests.fakes.services import FakeServices
from tests.pages.conftest import ROOT, OpenFrame, words

OPUS = "databricks-claude-opus-4-6"
FAILED = "databricks-claude-opus-4-7"
VIEWS: dict[str, tuple[str, dict[str, str]]] = {
    "overview": ("overview.py", {}),
    "routes": ("routes.py", {}),
    "one route": ("routes.py", {"agent": "hermes", "model": FAILED, "slot": "primary", "identity": "dashboard"}),
    "switch": ("switch.py", {}),
    "fallbacks": ("fallbacks.py", {}),
    "incidents": ("history.py", {}),
    "uptime": ("history.py", {"show": "routes"}),
    "changes": ("history.py", {"show": "changes"}),
    "audit": ("history.py", {"show": "audit"}),
    "alerts": ("history.py", {"show": "alerts"}),
    "detection": ("detection.py", {}),
}


def opened(open_frame: OpenFrame, services: FakeServices, page: str = "overview.py", **query: str) -> AppTest:
    app = open_frame(services, page=page, actor=named.ACTOR)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def masked(open_frame: OpenFrame, services: FakeServices, page: str = "overview.py", **query: str) -> AppTest:
    app = opened(open_frame, services, page, **query)
    return app.toggle(key="switch_masked").set_value(True).run()


def everything(app: AppTest) -> str:
    """Return every text that the browser was sent, help and labels and options too, without marks of escaping."""
    return "\n".join(_texts(app._tree)).replace("\\", "").replace("\u2060", "").replace("\u00a0", " ").lower()


def _texts(block: Block) -> Iterator[str]:
    proto = getattr(block, "proto", None)
    yield MessageToString(proto, as_utf8=True) if proto is not None else ""
    for child in block.children.values():
        if isinstance(child, Block):
            yield from _texts(child)
        elif child.type == "arrow_data_frame":
            yield f"{child.proto.alt} {child.value.to_dict('list')}"
        else:
            yield MessageToString(child.proto, as_utf8=True)


def named_in(app: AppTest) -> list[str]:
    text = everything(app)
    return [name for name in named.NAMES if name.lower() in text]


@pytest.mark.parametrize(("page", "query"), VIEWS.values(), ids=VIEWS)
def test_a_masked_page_names_nothing_and_nobody(open_frame: OpenFrame, page: str, query: dict[str, str]) -> None:
    app = masked(open_frame, named.services(), page, **query)
    assert not app.exception
    assert named_in(app) == []
    assert "Something went wrong" not in words(app)
    assert "masked" in words(app).lower() and "aliases" in words(app)


def test_what_is_looked_for_is_really_there_without_the_mask(open_frame: OpenFrame) -> None:
    seen = {
        name for page, query in VIEWS.values() for name in named_in(opened(open_frame, named.services(), page, **query))
    }
    assert seen == set(named.NAMES)


def test_an_incident_and_its_report_are_masked_whatever_the_box_says(open_frame: OpenFrame) -> None:
    services = named.services()
    app = masked(open_frame, services, "history.py", incident=services.shown.incidents[0].id)
    assert named_in(app) == []
    assert "report for a ticket" in everything(app) and "host-1.azure.example" in everything(app)
    assert not [box for box in app.checkbox if box.key == "mask_report"]


def test_a_host_of_former_times_is_masked_even_where_it_has_no_form_of_one(open_frame: OpenFrame) -> None:
    services = named.services()
    (past,) = services.past
    cause = replace(past.cause, host="oldgateway")
    services.past = (replace(past, cause=cause, message="oldgateway did not answer"),)
    for query in ({}, {"incident": past.id}):
        assert "oldgateway" in everything(opened(open_frame, services, "history.py", **query))
        assert "oldgateway" not in everything(masked(open_frame, services, "history.py", **query))


def test_outside_the_mode_the_report_alone_can_be_masked(open_frame: OpenFrame) -> None:
    services = named.services()
    app = opened(open_frame, services, "history.py", incident=services.shown.incidents[0].id)
    app.checkbox(key="mask_report").check().run()
    report = next(box.value for box in app.code if box.value.startswith("# Incident"))
    assert "host-1.azure.example" in report and named.HOST not in report
    assert named.HOST in everything(app)


def test_one_name_has_one_alias_on_every_page_and_the_kind_stays_to_be_seen(open_frame: OpenFrame) -> None:
    services = named.services()
    for page in ("overview.py", "detection.py"):
        text = everything(masked(open_frame, services, page))
        assert "host-1.azure.example/ai-gateway" in text
        assert "1000000000000001" in text
        assert FAILED in text


def test_the_mode_is_in_the_address_and_a_reload_keeps_it(open_frame: OpenFrame) -> None:
    services = named.services()
    app = masked(open_frame, services)
    assert app.query_params["masked"] == "1"
    again = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=30)
    again.query_params["masked"] = "1"
    again.run()
    assert named_in(again) == []
    assert everything(app).count("host-1.azure.example") == everything(again).count("host-1.azure.example")
    again.toggle(key="switch_masked").set_value(False).run()
    assert "masked" not in again.query_params
    assert named.HOST in everything(again)


def test_a_page_keeps_what_its_own_address_says(open_frame: OpenFrame) -> None:
    app = masked(open_frame, named.services(), "routes.py", agents="hermes")
    assert (app.query_params["agents"], app.query_params["masked"]) == ("hermes", "1")


def test_a_switch_that_is_made_masked_writes_the_real_values(open_frame: OpenFrame) -> None:
    services = named.services()
    app = masked(open_frame, services)
    app.button(key="switch_button_hermes").click().run()
    assert "app:app-1" in app.selectbox(key=switch_route.TARGET).options
    app.selectbox(key=switch_route.TARGET).select("app:fruit-agents").run()
    app.selectbox(key=slot_key("primary")).select(OPUS).run()
    app.segmented_control(key=switch_route.GATEWAY).set_value("A URL").run()
    assert (
        app.text_input(key=switch_route.GATEWAY_URL).proto.type
        == app.text_input(key=switch_route.GATEWAY_URL).proto.PASSWORD
    )
    app.text_input(key=switch_route.GATEWAY_URL).input(f"https://{named.OTHER_HOST}/ai-gateway").run()
    app.button(key=switch_form.PREVIEW).click().run()
    assert named_in(app) == []
    app.text_input(key=switch_form.REASON).input("incident").run()
    app.button(key=switch_form.APPLY).click().run()

    assert named_in(app) == []
    ((request, actor, _, _),) = services.applied
    assert (request.target, actor.name) == ("app:fruit-agents", named.ACTOR.name)
    assert request.slots["primary"] == OPUS
    assert request.slots["DATABRICKS_GATEWAY_HOST"] == f"https://{named.OTHER_HOST}/ai-gateway"


def test_a_typed_gateway_url_can_be_taken_back_while_masked(open_frame: OpenFrame) -> None:
    app = masked(open_frame, named.services())
    app.button(key="switch_button_hermes").click().run()
    app.segmented_control(key=switch_route.GATEWAY).set_value("A URL").run()
    app.text_input(key=switch_route.GATEWAY_URL).input(f"https://{named.OTHER_HOST}/ai-gateway").run()
    assert "the real one is used" in words(app)
    app.button(key=switch_route.ANOTHER_URL).click().run()
    assert app.text_input(key=switch_route.GATEWAY_URL).value == ""


def test_a_new_name_is_masked_as_soon_as_the_services_know_it(open_frame: OpenFrame) -> None:
    services = named.services()
    app = masked(open_frame, services, "switch.py")
    first = services.shown.targets[1]
    late = replace(first, id="app:late-harvest", reason="late-harvest can be changed.")
    services.shown = replace(services.shown, targets=(*services.shown.targets, late))
    app.run()
    assert "harvest" not in everything(app)


def test_a_masked_download_says_so(open_frame: OpenFrame) -> None:
    app = masked(open_frame, named.services())
    buttons = [element.proto for element in app.get("download_button")]
    assert buttons and all(button.label.endswith(", masked") for button in buttons)


def test_a_masked_file_keeps_its_form_its_numbers_and_says_that_it_is_masked() -> None:
    mask = Mask((), Aliases())
    text = f'{{"host": "{named.HOST}", "id": 123456789012345, "list": ["ada@corp.example"]}}'
    whole = masked_file(text, JSON, mask)
    assert '"masked": true' in whole and '"id": 123456789012345' in whole and ".azure.example" in whole
    lines = masked_file(f"{text}\n{text}\n", JSON_LINES, mask).splitlines()
    assert len(lines) == 2 and "corp.example" not in lines[0] and lines[0] == lines[1]
    assert masked_file(f"host,n\r\n{named.HOST},3\r\n", "text/csv", mask).endswith(".azure.example,3\r\n")


SINKS = {
    "code",
    "text",
    "dataframe",
    "data_editor",
    "table",
    "json",
    "write",
    "download_button",
    "text_area",
    "vega_lite_chart",
}


@pytest.mark.parametrize("path", sorted((ROOT / "pages").rglob("*.py")), ids=lambda path: path.stem)
def test_what_is_no_markdown_has_one_way_to_the_screen(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    used = {ast.unparse(call) for call in calls if isinstance(call, ast.Attribute) and call.attr in SINKS}
    # `HISTORY.write` and its like write an address.
    shown = {call for call in used if not call.split(".")[0].isupper()}
    assert path.stem == "literals" or shown == set()
