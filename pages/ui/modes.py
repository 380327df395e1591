"""Modes of a tab: as it was opened, or as it was switched since; kept in the address and across its pages."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

_ON = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One mode; `parameter` is what the address says while it is on."""

    parameter: str

    @property
    def _key(self) -> str:
        return f"mode_{self.parameter}"

    def is_on(self) -> bool:
        """Say whether this tab is in the mode."""
        if self._key not in st.session_state:
            st.session_state[self._key] = st.query_params.get(self.parameter) == _ON
        return bool(st.session_state[self._key])

    def keep(self) -> None:
        """Keep the mode in the address, where pages leave their own."""
        if not self.is_on():
            st.query_params.pop(self.parameter, None)
        elif st.query_params.get(self.parameter) != _ON:
            st.query_params[self.parameter] = _ON

    def switch(self) -> None:
        """Switch the mode of this tab."""
        st.session_state[self._key] = not self.is_on()


PROJECTOR = Mode(parameter="projector")
MASKED = Mode(parameter="masked")
