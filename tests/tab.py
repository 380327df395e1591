"""A tab without a browser: the WebSocket that Streamlit's frontend opens, what is drawn, and clicks on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import create_connection
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_END_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button as it was drawn last."""

    id: str
    label: str
    disabled: bool


@dataclass
class Tab:
    """One session; `text`, `buttons` and `fields`, by their keys, are those of its newest whole run.

    `drawn` is everything as the server says it, in the text form of the protocol.
    """

    socket: ClientConnection
    session_id: str = ""
    page: str = ""
    query: str = ""
    text: str = ""
    drawn: str = ""
    buttons: dict[str, Button] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    def open(self, page: str = "", query: str = "") -> Tab:
        """Go to a page as a typed address does."""
        message, self.query = BackMsg(), query
        message.rerun_script.page_name, message.rerun_script.query_string = page, query
        return self._run(message)

    def again(self) -> Tab:
        """Draw the page once more."""
        return self._run(self._rerun())

    def fill(self, key: str, text: str) -> Tab:
        """Type into a field, or choose from a list."""
        message = self._rerun()
        message.rerun_script.widget_states.widgets.add(id=self.fields[key], string_value=text)
        return self._run(message)

    def click(self, key: str) -> Tab:
        """Send what a click on this button sends, whether or not it can be clicked."""
        return self.press(self.buttons[key].id)

    def press(self, widget_id: str) -> Tab:
        """Send a click on a widget of this id, drawn here or not."""
        message = self._rerun()
        message.rerun_script.widget_states.widgets.add(id=widget_id, trigger_value=True)
        return self._run(message)

    def send(self, message: BackMsg) -> None:
        """Send any message."""
        self.socket.send(message.SerializeToString())

    def received(self) -> ForwardMsg:
        """Return the next message of the server."""
        message = ForwardMsg()
        data = self.socket.recv(timeout=_END_S)
        message.ParseFromString(data if isinstance(data, bytes) else data.encode())
        return message

    def _rerun(self) -> BackMsg:
        message = BackMsg()
        message.rerun_script.page_script_hash, message.rerun_script.query_string = self.page, self.query
        return message

    def _run(self, message: BackMsg) -> Tab:
        self.send(message)
        while True:
            told = self.received()
            kind = told.WhichOneof("type")
            if kind == "new_session":
                self.session_id, self.page = told.new_session.initialize.session_id, told.new_session.page_script_hash
                self.text, self.drawn, self.buttons, self.fields = "", "", {}, {}
            elif kind == "navigation":
                self.page = told.navigation.page_script_hash
            elif kind == "delta":
                self._take(told.delta)
            elif kind == "script_finished" and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return self

    def _take(self, delta: Delta) -> None:
        element = delta.new_element
        self.drawn += str(element)
        kind = element.WhichOneof("type")
        if kind == "button":
            drawn = element.button
            self.buttons[_key(drawn.id)] = Button(id=drawn.id, label=drawn.label, disabled=drawn.disabled)
        elif kind in ("text_input", "selectbox"):
            field_id = getattr(element, kind).id
            self.fields[_key(field_id)] = field_id
        elif kind in ("markdown", "alert", "heading", "exception"):
            shown = getattr(element, kind)
            self.text += f"{getattr(shown, 'body', shown)}\n"


def _key(widget_id: str) -> str:
    """Return the key that the page gave a widget."""
    return widget_id.split("-", 2)[2]


@contextmanager
def open_tab(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    resume: str = "",
    origin: str | None = None,
    host: str | None = None,
) -> Iterator[Tab]:
    """Open a session, or come back to one as the frontend does after its connection was lost.

    `host` is the name that the address bar shows, where it is not that of the URL.
    """
    # The second is where the frontend puts its XSRF token; nothing here has a cookie that it could match.
    protocols = ["streamlit", "none", *([resume] if resume else [])]
    address = urlsplit(url)
    with connect(
        f"ws://{host or address.netloc}/_stcore/stream",
        sock=create_connection((address.hostname or "", address.port or 80), timeout=_END_S),
        subprotocols=[Subprotocol(name) for name in protocols],
        additional_headers=dict(headers or {}),
        origin=Origin(origin) if origin else None,
        max_size=None,
        compression=None,
    ) as socket:
        yield Tab(socket)
