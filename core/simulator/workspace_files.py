"""The workspace-files API as the databricks-sdk speaks it; the files are state of one running server."""

from __future__ import annotations

import base64
import binascii
import json
import posixpath
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from core.simulator.exchange import Answer, Exchange, json_answer

_PREFIX = "/api/2.0/workspace/"
_PERMISSIONS = re.compile(r"/api/2\.0/permissions/(?:directories|files)/([0-9]+)")
_ROOT = "/Workspace"
_LARGEST_FILE = 10 * 1024 * 1024
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_FIELD = re.compile(rb'name="([^"]*)"')


class FileRefused(Exception):
    """One refusal of the files API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class _Object:
    number: int
    content: bytes | None = None
    modified_at: int = 1_762_070_400_000

    @property
    def kind(self) -> str:
        return "DIRECTORY" if self.content is None else "FILE"


@dataclass(slots=True)
class WorkspaceFiles:
    """Folders and files of one workspace; `forbid` takes rights away, `before_write` runs between check and write."""

    before_write: Callable[[str], None] = lambda path: None
    _objects: dict[str, _Object] = field(default_factory=dict)
    _forbidden: dict[str, frozenset[str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, path: str, content: bytes) -> None:
        """Put a file there as its owner would, making the folders above it."""
        with self._lock:
            path = _normal(path)
            self.make_folder(posixpath.dirname(path))
            kept = self._objects.setdefault(path, _Object(self._next()))
            kept.content = content
            kept.modified_at += 1000

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        with self._lock:
            path = _normal(path)
            while path not in ("/", ""):
                found = self._objects.setdefault(path, _Object(self._next()))
                if found.content is not None:
                    raise FileRefused(400, "RESOURCE_ALREADY_EXISTS", f"{path} is a file.")
                path = posixpath.dirname(path)

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None when there is no such file."""
        with self._lock:
            found = self._objects.get(_normal(path))
            return found.content if found else None

    def below(self, folder: str) -> Mapping[str, bytes]:
        """Return every file below a folder, by its path from there."""
        with self._lock:
            start = _normal(folder) + "/"
            return {
                path.removeprefix(start): found.content
                for path, found in self._objects.items()
                if path.startswith(start) and found.content is not None
            }

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with everything below it."""
        with self._lock:
            path = _normal(path)
            for known in [known for known in self._objects if known == path or known.startswith(path + "/")]:
                del self._objects[known]

    def forbid(self, folder: str, *rights: str) -> None:
        """Take these rights ("read", "write", "permissions") on a folder away; none gives all of them back."""
        with self._lock:
            self._forbidden[_normal(folder)] = frozenset(rights)

    def answer(self, exchange: Exchange) -> Answer | None:
        """Return what the files API says to this request; None when it is about something else."""
        shown = _PERMISSIONS.fullmatch(exchange.path)
        if shown is None and not exchange.path.startswith(_PREFIX):
            return None
        calls: Mapping[tuple[str, str], Callable[[Exchange], Answer]] = {
            ("GET", "get-status"): self._status,
            ("GET", "export"): self._export,
            ("GET", "list"): self._list,
            ("POST", "import"): self._import,
            ("POST", "mkdirs"): self._mkdirs,
            ("POST", "delete"): self._delete,
        }
        call = calls.get((exchange.method, exchange.path.removeprefix(_PREFIX)))
        if shown is not None and exchange.method == "GET":
            number = int(shown.group(1))
            call = partial(self._permissions, number)
        if call is None:
            return None
        try:
            with self._lock:
                return call(exchange)
        except FileRefused as refused:
            return json_answer({"error_code": refused.code, "message": str(refused)}, refused.status)

    def _next(self) -> int:
        return 4_100_000 + len(self._objects)

    def _allowed(self, path: str, right: str) -> None:
        if self._is_forbidden(path, right):
            raise FileRefused(403, "PERMISSION_DENIED", f"User does not have {right} permission on {path}.")

    def _is_forbidden(self, path: str, right: str) -> bool:
        return any(
            right in rights and (path == folder or path.startswith(folder + "/"))
            for folder, rights in self._forbidden.items()
        )

    def _found(self, asked: str, right: str = "read") -> _Object:
        path = _normal(asked)
        self._allowed(path, right)
        found = self._objects.get(path)
        if found is None:
            raise FileRefused(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({asked}) doesn't exist.")
        return found

    def _status(self, exchange: Exchange) -> Answer:
        path = _asked(exchange.query.get("path"))
        return json_answer(_described(path, self._found(path)))

    def _permissions(self, number: int, exchange: Exchange) -> Answer:
        """Show who may do what with an object, unless that right ("permissions") was taken away too."""
        path = next((path for path, known in self._objects.items() if known.number == number), None)
        if path is None:
            raise FileRefused(404, "RESOURCE_DOES_NOT_EXIST", f"Object {number} does not exist.")
        self._allowed(path, "permissions")
        level = "CAN_READ" if self._is_forbidden(path, "write") else "CAN_MANAGE"
        right = {"permission_level": level, "inherited": True}
        entry = {"user_name": exchange.scene.person.user_name, "all_permissions": [right]}
        return json_answer({"object_id": f"/directories/{number}", "access_control_list": [entry]})

    def _export(self, exchange: Exchange) -> Answer:
        path = _asked(exchange.query.get("path"))
        content = self._found(path).content
        if content is None:
            raise FileRefused(400, "INVALID_PARAMETER_VALUE", f"{path} is a folder; only notebooks are exported.")
        if exchange.query.get("direct_download") == "true":
            return Answer(status=200, chunks=(content,), content_type="application/octet-stream")
        return json_answer({"content": base64.b64encode(content).decode(), "file_type": path.rpartition(".")[2]})

    def _list(self, exchange: Exchange) -> Answer:
        path = _asked(exchange.query.get("path"))
        if self._found(path).content is not None:
            return json_answer({"objects": [_described(path, self._found(path))]})
        inside = _normal(path)
        children = sorted(known for known in self._objects if posixpath.dirname(known) == inside)
        shown = [_described(f"{path.rstrip('/')}/{posixpath.basename(one)}", self._objects[one]) for one in children]
        return json_answer({"objects": shown} if shown else {})

    def _import(self, exchange: Exchange) -> Answer:
        given, content = _import_of(exchange)
        asked = _asked(given.get("path"))
        path = _normal(asked)
        self._allowed(path, "write")
        if len(content) > _LARGEST_FILE:
            raise FileRefused(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", "File size imported is larger than 10485760 bytes.")
        if given.get("format", "SOURCE") == "SOURCE" and not given.get("language"):
            raise FileRefused(400, "INVALID_PARAMETER_VALUE", "Language is required for format SOURCE.")
        parent = self._objects.get(posixpath.dirname(path))
        if parent is None or parent.content is not None:
            text = f"The parent folder ({posixpath.dirname(asked)}) does not exist."
            raise FileRefused(404, "RESOURCE_DOES_NOT_EXIST", text)
        there = self._objects.get(path)
        if there is not None and (there.content is None or str(given.get("overwrite", "")).lower() != "true"):
            raise FileRefused(400, "RESOURCE_ALREADY_EXISTS", f"Path ({asked}) already exists.")
        self.before_write(asked)
        self.put(asked, content)
        return json_answer({"object_id": self._objects[path].number})

    def _mkdirs(self, exchange: Exchange) -> Answer:
        path = _asked(_json_body(exchange).get("path"))
        self._allowed(_normal(path), "write")
        self.make_folder(path)
        return json_answer({})

    def _delete(self, exchange: Exchange) -> Answer:
        given = _json_body(exchange)
        path = _asked(given.get("path"))
        self._found(path, "write")
        start = _normal(path) + "/"
        if not given.get("recursive") and any(known.startswith(start) for known in self._objects):
            raise FileRefused(400, "DIRECTORY_NOT_EMPTY", f"Folder ({path}) is not empty")
        self.remove(path)
        return json_answer({})


def _normal(path: str) -> str:
    """Return the one spelling under which a path is kept: /Users/x and /Workspace/Users/x are the same place."""
    path = posixpath.normpath("/" + path.lstrip("/"))
    return path.removeprefix(_ROOT) or "/" if path == _ROOT or path.startswith(_ROOT + "/") else path


def _asked(path: object) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise FileRefused(400, "INVALID_PARAMETER_VALUE", f"Path ({path}) doesn't start with '/'")
    return path


def _described(path: str, found: _Object) -> dict[str, Any]:
    described = {"object_type": found.kind, "path": path, "object_id": found.number, "resource_id": str(found.number)}
    if found.content is None:
        return described
    times = {"created_at": 1_762_070_400_000, "modified_at": found.modified_at}
    return described | times | {"size": len(found.content)}


def _json_body(exchange: Exchange) -> dict[str, Any]:
    try:
        given = json.loads(exchange.body)
    except ValueError as exc:
        raise FileRefused(400, "MALFORMED_REQUEST", "Could not parse request object") from exc
    if not isinstance(given, dict):
        raise FileRefused(400, "MALFORMED_REQUEST", "Could not parse request object")
    return given


def _import_of(exchange: Exchange) -> tuple[dict[str, Any], bytes]:
    """Return the fields and the content of an import, which comes as JSON or, from `upload`, as a multipart form."""
    kind = exchange.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        fields = _form_of(kind, exchange.body)
        content = fields.pop("content", b"")
        return {name: value.decode("utf-8", "replace") for name, value in fields.items()}, content
    given = _json_body(exchange)
    try:
        return given, base64.b64decode(given.get("content") or "", validate=True)
    except (binascii.Error, ValueError, TypeError) as exc:
        raise FileRefused(400, "INVALID_PARAMETER_VALUE", "The content is not base64.") from exc


def _form_of(kind: str, body: bytes) -> dict[str, bytes]:
    found = _BOUNDARY.search(kind)
    if found is None:
        raise FileRefused(400, "MALFORMED_REQUEST", "The form has no boundary.")
    fields: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + found.group(1).encode())[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _FIELD.search(head)
        if name:
            fields[name.group(1).decode("utf-8", "replace")] = content
    return fields
