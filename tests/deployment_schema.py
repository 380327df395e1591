"""The keys that our app.yaml and databricks.yml use, and what may stand under each; any other key is a mistake.

The Databricks CLI passes over a key that it does not know with a warning at most (valueFrom in a bundle), and an app
starts without it. So whoever wants another key adds it here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that matches; `words` are the only ones where there are some. A variable of the bundle may be any."""

    pattern: str = r"(?s).+"
    words: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    low: int
    high: int
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A mapping of exactly these keys; of those in `one_of` there is one."""

    keys: Mapping[str, Shape]
    one_of: tuple[str, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A mapping of names that we choose."""

    each: Shape
    name: str = r"[a-z][a-z0-9_]*"
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    each: Shape
    optional: bool = False


Shape = Text | Number | Flag | Keys | Named | Several

_VARIABLE = re.compile(r"\$\{(var|workspace|bundle)\.[a-z_.]+\}")
_RESOURCE_KEY = r"[a-z0-9][a-z0-9-]{0,29}"


def problems(value: object, shape: Shape, at: str = "") -> Iterator[str]:
    """Yield what is wrong with a document, with the place of each."""
    match shape:
        case Text():
            yield from _text_problems(value, shape, at)
        case Number(low=low, high=high):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                yield f"{at}: {value!r} is no number from {low} to {high}"
        case Flag():
            if not isinstance(value, bool):
                yield f"{at}: {value!r} is neither true nor false"
        case Several(each=each):
            if not isinstance(value, list) or not value:
                yield f"{at}: no list with something in it"
            else:
                for number, one in enumerate(value):
                    yield from problems(one, each, f"{at}[{number}]")
        case Keys() | Named():
            if isinstance(value, dict):
                yield from _mapping_problems(value, shape, at)
            else:
                yield f"{at}: no mapping"


def _text_problems(value: object, shape: Text, at: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{at}: {value!r} is no text"
    elif _VARIABLE.fullmatch(value):
        return
    elif (shape.words and value not in shape.words) or not re.fullmatch(shape.pattern, value):
        yield f"{at}: {value!r} is none of {shape.words or shape.pattern}"


def _mapping_problems(value: dict[object, object], shape: Keys | Named, at: str) -> Iterator[str]:
    for key, one in value.items():
        known = _shape_of(str(key), shape)
        if known is None:
            yield f"{at}.{key}: no such key"
        else:
            yield from problems(one, known, f"{at}.{key}")
    if isinstance(shape, Keys):
        for key, known in shape.keys.items():
            if key not in value and not known.optional and key not in shape.one_of:
                yield f"{at}: {key} is missing"
        if shape.one_of and sum(key in value for key in shape.one_of) != 1:
            yield f"{at}: not exactly one of {', '.join(shape.one_of)}"


def _shape_of(key: str, shape: Keys | Named) -> Shape | None:
    if isinstance(shape, Keys):
        return shape.keys.get(key)
    return shape.each if re.fullmatch(shape.name, key) else None


# databricks.md 6.4: a command that no shell reads, and variables by value or from a resource of the app.
APP_YAML = Keys(
    keys={
        "command": Several(each=Text()),
        "env": Several(
            each=Keys(
                keys={
                    "name": Text(pattern=r"[A-Z][A-Z0-9_]*"),
                    "value": Text(pattern=r"(?s).*"),
                    "valueFrom": Text(pattern=_RESOURCE_KEY),
                },
                one_of=("value", "valueFrom"),
            )
        ),
    }
)

_PERMISSIONS = Several(
    each=Keys(
        keys={
            "level": Text(words=("CAN_USE", "CAN_MANAGE", "CAN_VIEW", "CAN_MANAGE_RUN")),
            "group_name": Text(),
            "user_name": Text(),
            "service_principal_name": Text(),
        },
        one_of=("group_name", "user_name", "service_principal_name"),
    )
)
_RESOURCES_OF_APP = Several(
    each=Keys(
        keys={
            "name": Text(pattern=_RESOURCE_KEY),
            "description": Text(optional=True),
            "database": Keys(
                keys={
                    "instance_name": Text(),
                    "database_name": Text(),
                    "permission": Text(words=("CAN_CONNECT_AND_CREATE",)),
                }
            ),
            "secret": Keys(
                keys={"scope": Text(), "key": Text(), "permission": Text(words=("READ", "WRITE", "MANAGE"))}
            ),
        },
        one_of=("database", "secret"),
    ),
    optional=True,
)
_APP = {
    "name": Text(pattern=r"[a-z0-9][a-z0-9-]{1,29}"),
    "description": Text(optional=True),
    "source_code_path": Text(),
    "permissions": _PERMISSIONS,
    "resources": _RESOURCES_OF_APP,
    # Only where nothing is in app.yaml; then its key is spelled like this.
    "config": Keys(
        keys={
            "env": Several(
                each=Keys(
                    keys={"name": Text(), "value": Text(), "value_from": Text(pattern=_RESOURCE_KEY)},
                    one_of=("value", "value_from"),
                )
            )
        },
        optional=True,
    ),
}
_JOB = {
    "name": Text(),
    "description": Text(optional=True),
    "max_concurrent_runs": Number(low=1, high=1),
    "timeout_seconds": Number(low=60, high=1700),
    "permissions": _PERMISSIONS,
    "schedule": Keys(
        keys={
            "quartz_cron_expression": Text(),
            "timezone_id": Text(words=("UTC",)),
            "pause_status": Text(words=("PAUSED", "UNPAUSED")),
        }
    ),
    "tasks": Several(
        each=Keys(
            keys={
                "task_key": Text(),
                "environment_key": Text(),
                "max_retries": Number(low=0, high=3),
                "spark_python_task": Keys(keys={"python_file": Text(), "parameters": Several(each=Text())}),
            }
        )
    ),
    "environments": Several(
        each=Keys(
            keys={
                "environment_key": Text(),
                "spec": Keys(
                    keys={"environment_version": Text(pattern=r"[0-9]+"), "dependencies": Several(each=Text())}
                ),
            }
        )
    ),
}
_TARGET_APP = Keys(keys={"resources": _RESOURCES_OF_APP})

BUNDLE = Keys(
    keys={
        "bundle": Keys(keys={"name": Text()}),
        "variables": Named(each=Keys(keys={"description": Text(), "default": Text(pattern=r"(?s).*")})),
        "sync": Keys(keys={"exclude": Several(each=Text())}),
        "resources": Keys(keys={"apps": Named(each=Keys(keys=_APP)), "jobs": Named(each=Keys(keys=_JOB))}),
        "targets": Named(
            each=Keys(
                keys={
                    "default": Flag(optional=True),
                    "resources": Keys(keys={"apps": Named(each=_TARGET_APP)}, optional=True),
                }
            )
        ),
    }
)
