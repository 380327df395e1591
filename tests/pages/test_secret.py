"""Streamlit keeps no copy of a secret: not in its caches, and not in a session once a probe has been asked for."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.runtime.caching.cache_errors import UnhashableParamError, UnserializableReturnValueError

from core.model.secret import Secret

TEXT = "not-for-anybodys-eyes"


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    st.cache_data.clear()


def test_a_cache_does_not_keep_a_secret() -> None:
    @st.cache_data
    def token() -> dict[str, Secret]:
        return {"token": Secret(TEXT)}

    with pytest.raises(UnserializableReturnValueError) as raised:
        token()
    assert TEXT not in str(raised.value)


def test_a_cache_is_not_asked_by_a_secret() -> None:
    @st.cache_data
    def length(token: Secret) -> int:
        return len(token.reveal())

    with pytest.raises(UnhashableParamError) as raised:
        length(Secret(TEXT))
    assert TEXT not in str(raised.value)
