"""Which cloud and environment a Databricks host name belongs to, and where its dedicated gateway might be.

Zones: the databricks-sdk's table (databricks.md §5.1) plus what it leaves out and then calls AWS: DoD and custom URLs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.model.workspace import Cloud, Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """One DNS zone of Databricks; `suffix` starts with a dot. In a `custom` zone a company chose the name."""

    suffix: str
    cloud: Cloud
    environment: Environment
    custom: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _zone(suffix: str, cloud: Cloud, environment: Environment) -> Zone:
    return Zone(suffix=suffix, cloud=cloud, environment=environment)


# The most specific first: the first suffix that fits decides.
ZONES: tuple[Zone, ...] = (
    _zone(".staging.cloud.databricks.com", Cloud.AWS, Environment.STAGING),
    _zone(".dev.databricks.com", Cloud.AWS, Environment.DEV),
    _zone(".cloud.databricks.us", Cloud.AWS, Environment.GOV),
    _zone(".cloud.databricks.mil", Cloud.AWS, Environment.GOV),
    _zone(".cloud.databricks.com", Cloud.AWS, Environment.PUBLIC),
    _zone(".dev.azuredatabricks.net", Cloud.AZURE, Environment.DEV),
    _zone(".staging.azuredatabricks.net", Cloud.AZURE, Environment.STAGING),
    _zone(".azuredatabricks.net", Cloud.AZURE, Environment.PUBLIC),
    _zone(".databricks.azure.us", Cloud.AZURE, Environment.GOV),
    _zone(".databricks.azure.cn", Cloud.AZURE, Environment.CHINA),
    _zone(".dev.gcp.databricks.com", Cloud.GCP, Environment.DEV),
    _zone(".staging.gcp.databricks.com", Cloud.GCP, Environment.STAGING),
    _zone(".gcp.databricks.com", Cloud.GCP, Environment.PUBLIC),
)

# `acme.databricks.com`: an account's own URL. It tells neither the cloud nor the environment (databricks.md §5.4).
CUSTOM_ZONE = Zone(suffix=".databricks.com", cloud=Cloud.UNKNOWN, environment=Environment.UNKNOWN, custom=True)

# Names under databricks.com that are web sites, some of them run by others: no token belongs there.
_WEB_SITES = _words(
    "www docs api community academy customer-academy partner-academy kb help support login signup status ideas "
    "marketplace training go info pages try cloud gcp dev staging"
)

_ACCOUNT_CONSOLES = frozenset({"accounts", "accounts-dod"})

# Old Azure links name the region instead of the workspace: `westeurope.azuredatabricks.net/?o=…`.
AZURE_REGIONS = _words(
    "australiacentral australiacentral2 australiaeast australiasoutheast brazilsouth canadacentral canadaeast "
    "centralindia centralus chinaeast2 chinaeast3 chinanorth2 chinanorth3 eastasia eastus eastus2 eastus2c "
    "francecentral germanywestcentral israelcentral italynorth japaneast japanwest koreacentral mexicocentral "
    "newzealandnorth northcentralus northeurope norwayeast polandcentral qatarcentral southafricanorth "
    "southcentralus southeastasia southindia spaincentral swedencentral switzerlandnorth switzerlandwest uaenorth "
    "uksouth ukwest usgovarizona usgovvirginia westcentralus westeurope westindia westus westus2 westus3"
)

_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_ID = re.compile(r"[0-9]{1,20}")


def zone_of(hostname: str) -> Zone | None:
    """Return the Databricks zone of a host name; None for every other name, and for what is not a host name."""
    name = hostname.lower().removesuffix(".")
    if not hostname.isascii() or len(name) > 253 or not _NAME.fullmatch(name):
        return None
    for zone in ZONES:
        if name.endswith(zone.suffix):
            return zone
    label = name.removesuffix(CUSTOM_ZONE.suffix)
    is_custom = name.endswith(CUSTOM_ZONE.suffix) and "." not in label and label not in _WEB_SITES
    return CUSTOM_ZONE if is_custom else None


def is_web_site(hostname: str) -> bool:
    """Say whether this name is a web site of Databricks that everybody knows, and no workspace."""
    name = hostname.lower().removesuffix(".")
    return name == "databricks.com" or (
        name.endswith(CUSTOM_ZONE.suffix) and name.removesuffix(CUSTOM_ZONE.suffix) in _WEB_SITES
    )


def is_account_console(hostname: str) -> bool:
    """Say whether this name is an account console, which is never a workspace; judged as the databricks-sdk does."""
    return hostname.lower().partition(".")[0] in _ACCOUNT_CONSOLES


def is_dedicated_gateway(hostname: str) -> bool:
    """Say whether this name has the form of a dedicated gateway host."""
    return "ai-gateway" in hostname.lower().split(".")[1:]


def dedicated_gateway_hosts(cloud: Cloud, environment: Environment, workspace_id: str | None) -> tuple[str, ...]:
    """Return the names a dedicated gateway of this workspace might have: guesses to be asked, likeliest first.

    None are known for government clouds and China, nor for ids that are not numbers (databricks.md §1.1).
    """
    if workspace_id is None or not workspace_id.isascii() or not _NUMERIC_ID.fullmatch(workspace_id):
        return ()
    if (cloud, environment) == (Cloud.AWS, Environment.PUBLIC):
        return (f"{workspace_id}.ai-gateway.cloud.databricks.com",)
    if (cloud, environment) == (Cloud.AWS, Environment.STAGING):
        return (f"{workspace_id}.ai-gateway.staging.cloud.databricks.com",)
    if (cloud, environment) == (Cloud.GCP, Environment.PUBLIC):
        return (f"{workspace_id}.ai-gateway.gcp.databricks.com",)
    if (cloud, environment) == (Cloud.AZURE, Environment.PUBLIC):
        # The shard is not always 0. Every sample known equals the id modulo 10; the rest are fallbacks.
        number = int(workspace_id)
        shards = dict.fromkeys((number % 10, 0, number % 5, 1, 2, 3))
        return tuple(f"{workspace_id}.{shard}.ai-gateway.azuredatabricks.net" for shard in shards)
    return ()
