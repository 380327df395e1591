"""The agents' own configs: one form per agent, and where each agent keeps its files."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.agents.claude import ClaudeForm
from core.adapters.agents.codex import CodexForm
from core.adapters.agents.form import AgentForm
from core.adapters.agents.gemini import GeminiForm
from core.adapters.agents.hermes import HermesForm
from core.adapters.agents.opencode import OpenCodeForm
from core.adapters.agents.pi import PiForm
from core.model.agent import AgentId

FORMS: Mapping[AgentId, AgentForm] = {
    form.agent: form for form in (HermesForm(), ClaudeForm(), CodexForm(), GeminiForm(), OpenCodeForm(), PiForm())
}
