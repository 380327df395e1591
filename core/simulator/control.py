"""The simulator's own paths, below /_simulator: faults in, requests out. A real workspace has none of them."""

from __future__ import annotations

import json
from dataclasses import asdict

from core.simulator.apps import SimulatedApps, script_from_json
from core.simulator.exchange import Answer, Exchange, json_answer
from core.simulator.faults import FaultBook, FaultRule, RequestLog

PREFIX = "/_simulator"


def answer_control(exchange: Exchange, faults: FaultBook, log: RequestLog, apps: SimulatedApps) -> Answer:
    """Return what the simulator says about itself, or do what it is told."""
    match (exchange.method, exchange.path.removeprefix(PREFIX)):
        case ("GET", "" | "/"):
            scene = exchange.scene
            return json_answer({"scene": scene.name, "title": scene.title, "host_names": scene.host_names})
        case ("GET", "/faults"):
            return json_answer({"faults": [rule.to_json() for rule in faults.rules]})
        case ("POST", "/faults"):
            return _add_faults(exchange, faults)
        case ("DELETE", "/faults"):
            faults.clear()
            return json_answer({"faults": []})
        case ("GET", "/requests"):
            return json_answer({"requests": [asdict(request) for request in log.all()]})
        case ("POST", "/requests/reset"):
            log.reset()
            return json_answer({"requests": []})
        case ("GET", "/apps"):
            return json_answer({"apps": apps.state()})
        case ("POST", "/apps"):
            return _script_app(exchange, apps)
    return json_answer({"error": "no such path of the simulator"}, 404)


def _add_faults(exchange: Exchange, faults: FaultBook) -> Answer:
    try:
        given = json.loads(exchange.body)
        rules = [FaultRule.from_json(one) for one in (given if isinstance(given, list) else [given])]
    except (ValueError, TypeError, AttributeError) as exc:
        return json_answer({"error": str(exc)}, 400)
    faults.add(*rules)
    return json_answer({"faults": [rule.to_json() for rule in faults.rules]})


def _script_app(exchange: Exchange, apps: SimulatedApps) -> Answer:
    try:
        given = json.loads(exchange.body)
        name = str(given.pop("app", "coda"))
        apps.script(name, script_from_json(given))
    except (ValueError, TypeError, AttributeError, KeyError) as exc:
        return json_answer({"error": str(exc)}, 400)
    return json_answer({"apps": apps.state()})
