"""Ask the workspace who a person is: groups by SCIM, and which apps the person manages by their permissions.

Read with the person's own forwarded token where there is one and it really is that person's, else with ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from core.adapters.app_errors import About, about_app, translated
from core.errors import ChangeError
from core.model.access import Membership
from core.model.secret import Secret

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import ComplexValue

MANAGE = "CAN_MANAGE"
_APP = "app:"
# One address is one person; a listing that never ends must not hold us.
_MOST_FOUND = 20
_ABOUT_PERSON = About(
    act="look up a person's groups",
    grant="the right to read the workspace's users (or switch user authorization on for this app)",
    missing="The workspace does not know this person.",
)


class WorkspacePeople:
    """Fulfil the People port with the databricks-sdk.

    `connect` gives the SDK's client of the dashboard's own credential, `connect_as` that of a person's token.
    """

    def __init__(self, connect: Callable[[], WorkspaceClient], connect_as: Callable[[Secret], WorkspaceClient]) -> None:
        self._connect = connect
        self._connect_as = connect_as

    def look_up(self, email: str, token: Secret | None, targets: Sequence[str]) -> Membership:
        """Return what the workspace says of a person; see the port."""
        problems: list[str] = []
        groups = self._own_word(email, token) if token is not None else None
        if groups is None:
            try:
                groups = self._looked_up(email)
            except ChangeError as exc:
                problems.append(f"{exc.message} {exc.remedy}")
        manages = set[str]()
        for target in targets:
            try:
                if target.startswith(_APP) and self._manages(target.removeprefix(_APP), email, groups or frozenset()):
                    manages.add(target)
            except ChangeError as exc:
                problems.append(f"{exc.message} {exc.remedy}")
        return Membership(groups=groups, manages=frozenset(manages), problem=" ".join(dict.fromkeys(problems)))

    def _own_word(self, email: str, token: Secret) -> frozenset[str] | None:
        """Return the groups that the person's own token shows; None when it shows nothing or somebody else."""
        try:
            with translated(_ABOUT_PERSON):
                me = self._connect_as(token).current_user.me()
        except ChangeError:
            # A narrow or stale token; our own look-up may still know.
            return None
        names = {me.user_name or "", *(one.value or "" for one in me.emails or ())}
        if email.casefold() not in {name.casefold() for name in names}:
            return None
        return _displayed(me.groups)

    def _looked_up(self, email: str) -> frozenset[str]:
        quoted = email.replace("\\", "\\\\").replace('"', '\\"')
        with translated(_ABOUT_PERSON):
            found = self._connect().users.list(filter=f'userName eq "{quoted}"', attributes="userName,groups")
            # The filter is the workspace's to keep; somebody else's groups must not count.
            people = [one for one in islice(found, _MOST_FOUND) if (one.user_name or "").casefold() == email.casefold()]
        return _displayed(people[0].groups) if len(people) == 1 else frozenset()

    def _manages(self, app: str, email: str, groups: frozenset[str]) -> bool:
        with translated(about_app(app, "read who manages")):
            for entry in self._connect().apps.get_permissions(app).access_control_list or []:
                levels = {one.permission_level.value for one in entry.all_permissions or () if one.permission_level}
                is_theirs = (entry.user_name or "").casefold() == email.casefold() or entry.group_name in groups
                if MANAGE in levels and is_theirs:
                    return True
        return False


def _displayed(groups: Iterable[ComplexValue] | None) -> frozenset[str]:
    return frozenset(group.display for group in groups or () if group.display)
