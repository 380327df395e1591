"""app.yaml's command, run as Databricks Apps runs it, behind a proxy like its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from ruamel.yaml import YAML

from tests.browser.conftest import ROOT, RunApp, free_port
from tests.browser.proxy import dropping_proxy, forwarding_proxy
from tests.browser.test_pages import row

pytestmark = pytest.mark.browser

FORWARDED = {
    "X-Forwarded-Host": "switchyard-4455667788990011.11.azure.databricksapps.example",
    "X-Forwarded-Preferred-Username": "Riley Quinn",
    "X-Forwarded-User": "7001@4455667788990011",
    "X-Forwarded-Email": "riley.quinn@example.com",
    "X-Real-Ip": "203.0.113.9",
    "X-Request-Id": "8f6f2a52-3f1e-4d0c-9a53-3a5f0c8d7b11",
}


def platform_environment(port: int) -> dict[str, str]:
    return {
        "DATABRICKS_APP_NAME": "switchyard",
        "DATABRICKS_APP_PORT": str(port),
        "DATABRICKS_WORKSPACE_ID": "4455667788990011",
        "DATABRICKS_CLIENT_ID": "5b0c1f7e-0000-4000-8000-0000000000aa",
        "DATABRICKS_CLIENT_SECRET": "simulated-secret",
        "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ENABLE_CORS": "false",
        "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }


def test_the_deployed_command_serves_people_behind_the_proxy(run_app: RunApp, page: Page) -> None:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    declared = {entry["name"]: entry["value"] for entry in document["env"]}
    port = free_port()
    environment = {**declared, **platform_environment(port), "SWITCHYARD_SIMULATE": "incident"}
    run_app(environment, command=document["command"], port=port)

    with forwarding_proxy(port, FORWARDED) as proxy_port:
        # Another origin than the Host that the app sees, as on the platform.
        page.goto(f"http://localhost:{proxy_port}")

        expect(page.get_by_test_id("stSidebar")).to_contain_text("riley.quinn@example.com")
        expect(page.get_by_test_id("stSidebar")).to_contain_text("You are a viewer because riley.quinn")
        expect(row(page, "codex")).to_contain_text("Healthy")
        expect(row(page, "hermes").get_by_role("button", name="Switch …")).to_be_disabled()
        expect(page.get_by_role("button", name="Probe now")).to_be_disabled()
        page.goto("about:blank")


def test_a_workspace_admin_may_change_things_and_the_next_person_inherits_nothing(run_app: RunApp, page: Page) -> None:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    port = free_port()
    environment = {**platform_environment(port), "SWITCHYARD_SIMULATE": "deployed-incident"}
    run_app(environment, command=document["command"], port=port)
    headers = dict(FORWARDED)

    with forwarding_proxy(port, headers) as proxy_port:
        for email, says, may_probe, may_change in (
            ("robin.vale@switchyard.example", "in the workspace's group admins", True, True),
            ("alex.thorn@switchyard.example", "you may probe, and change app:", True, True),
            ("casey.rowe@switchyard.example", "You are a viewer", False, False),
        ):
            headers["X-Forwarded-Email"] = email
            page.goto(f"http://localhost:{proxy_port}")

            expect(page.get_by_test_id("stSidebar")).to_contain_text(says)
            probe = page.get_by_role("button", name="Probe now")
            switch = row(page, "hermes").get_by_role("button", name="Switch …")
            (expect(probe).to_be_enabled if may_probe else expect(probe).to_be_disabled)()
            (expect(switch).to_be_enabled if may_change else expect(switch).to_be_disabled)()
        page.goto("about:blank")


def test_a_tab_that_comes_back_as_another_person_starts_anew(run_app: RunApp, browser: BrowserContext) -> None:
    # Not the fixture's tab: what Streamlit writes to the console while it is cut off is no error here.
    page, port = browser.new_page(), free_port()
    environment = {
        **platform_environment(port),
        "SWITCHYARD_SIMULATE": "healthy",
        "SWITCHYARD_ADMINS": "ada@example.com",
    }
    run_app(environment, command=["streamlit", "run", "app.py"], port=port)
    headers = {**FORWARDED, "X-Forwarded-Email": "ada@example.com"}

    with dropping_proxy(port, headers) as (proxy_port, cut):
        page.goto(f"http://localhost:{proxy_port}")
        row(page, "hermes").get_by_role("button", name="Switch …").click()
        expect(page.get_by_role("dialog")).to_contain_text("Preview")

        headers["X-Forwarded-Email"] = "vic@example.com"
        cut()

        expect(page.get_by_test_id("stSidebar")).to_contain_text("You are vic@example.com")
        expect(page.get_by_test_id("stSidebar")).to_contain_text("Viewer")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Probe now")).to_be_disabled()
        page.close()


def test_forwarded_names_count_for_nothing_outside_databricks_apps(run_app: RunApp, page: Page) -> None:
    app = run_app({"SWITCHYARD_SIMULATE": "healthy", "SWITCHYARD_ADMINS": "riley.quinn@example.com"})
    page.set_extra_http_headers({"X-Forwarded-Email": "riley.quinn@example.com"})

    page.goto(app.url)

    expect(page.get_by_test_id("stSidebar")).to_contain_text("You are")
    expect(page.get_by_test_id("stSidebar")).not_to_contain_text("riley.quinn")
