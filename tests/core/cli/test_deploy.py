"""What whoever deploys asks the command line: which rights are needed, and what is still missing."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]
WHO = "11111111-2222-3333-4444-555555555555"


def test_the_rights_of_a_workspace_with_deployed_agents_name_its_models_its_apps_and_their_folders(
    command_line: Made,
) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="deployed-incident").json("grants", "--principal", WHO)
    statements = {kind: [g["statement"] for g in document["grants"] if g["kind"] == kind] for kind in ("sql", "cli")}

    assert (code, document["error"], document["principal"]) == (0, None, WHO)
    assert any("EXECUTE ON MODEL SERVICE system.ai.`claude-opus-4-6`" in text for text in statements["sql"])
    assert any(text.endswith(" apps coda") for text in statements["cli"])
    assert any("/apps/coding-agents" in text and "CAN_EDIT" in text for text in statements["cli"])
    assert all(WHO in text for texts in statements.values() for text in texts)


def test_a_named_app_is_the_only_one_even_where_it_is_not_seen(command_line: Made) -> None:
    arguments = ("grants", "--principal", WHO, "--app", "not-there-yet", "--database", "history")
    _, document = command_line(SWITCHYARD_SIMULATE="deployed-incident").json(*arguments)
    managed = [grant["statement"] for grant in document["grants"] if "CAN_MANAGE" in grant["statement"]]

    assert [text.rpartition(" ")[2] for text in managed] == ["not-there-yet"]
    assert {grant["kind"] for grant in document["grants"]} == {"sql", "cli", "lakebase"}


def test_a_workspace_without_a_gateway_needs_rights_on_its_endpoints(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="no-gateway").json("grants", "--principal", WHO)
    assert {grant["kind"] for grant in document["grants"]} == {"cli"}


def test_the_apps_own_principal_is_the_default_and_without_one_it_is_asked_for(command_line: Made) -> None:
    made = command_line(SWITCHYARD_SIMULATE="healthy", DATABRICKS_CLIENT_ID=WHO)
    assert made.json("grants")[1]["principal"] == WHO

    code, document = command_line(SWITCHYARD_SIMULATE="healthy", DATABRICKS_CLIENT_ID="").json("grants")
    assert (code, document["error"]["code"]) == (2, "principal_missing")
    assert "--principal" in document["error"]["remedy"]


def test_people_get_blocks_to_copy_each_under_the_place_where_it_is_run(command_line: Made) -> None:
    code, printed, _ = command_line(SWITCHYARD_SIMULATE="deployed-incident").text("grants", "--principal", WHO)

    assert code == 0
    assert printed.index("-- In a SQL editor") < printed.index("GRANT USE CATALOG") < printed.index("# In a shell")
    assert "# Lakebase is not in use here." in printed


def test_the_check_of_a_working_machine_lacks_nothing(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="deployed-incident").json("check")
    words = {item["code"]: item["verdict"] for item in document["items"]}

    assert (code, document["error"]) == (0, None)
    assert [words[name] for name in ("credential", "workspace", "models", "database")] == ["fine"] * 4
    assert (words["apps"], words["place"]) == ("attention", "not_used")
    assert set(document["items"][0]) == {"code", "name", "verdict", "sentence", "remedy", "command"}


def test_the_check_inside_apps_asks_for_a_database_an_admin_and_an_app(command_line: Made) -> None:
    environment = {"DATABRICKS_APP_NAME": "switchyard", "DATABRICKS_CLIENT_ID": WHO, "SWITCHYARD_APP": "elsewhere"}
    code, document = command_line(SWITCHYARD_SIMULATE="healthy", **environment).json("check")
    items = {item["code"]: item for item in document["items"]}

    assert code == 1
    assert items["place"]["verdict"] == "fine"
    assert items["apps"]["verdict"] == "missing" and items["apps"]["command"] == "python -m core grants"
    assert items["admins"]["verdict"] == "attention"
    assert items["database"]["command"] == "databricks bundle deploy --target lakebase"


def test_the_check_says_what_it_found_where_nothing_answers(command_line: Made) -> None:
    made = command_line(SWITCHYARD_SIMULATE="", DATABRICKS_HOST="http://127.0.0.1:9", DATABRICKS_TOKEN="a-token")
    code, document = made.json("check")
    words = {item["code"]: item["verdict"] for item in document["items"]}

    assert (code, document["error"]["code"]) == (3, "workspace_unreachable")
    assert words["workspace"] == "missing"
    assert not [name for name in ("credential", "models", "gateway", "apps") if words[name] == "fine"]


def test_people_read_the_check_line_by_line_with_what_to_run(command_line: Made) -> None:
    _, printed, _ = command_line(SWITCHYARD_SIMULATE="deployed-incident").text("check")
    assert "✓ Fine" in printed and "▲ Attention" in printed
    assert "python -m core grants" in printed
