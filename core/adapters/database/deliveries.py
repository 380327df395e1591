"""How the sending of alerts stands, in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from core.adapters.database.access import Access
from core.adapters.database.documents import text_of, value_of
from core.adapters.database.statements import insert_into
from core.adapters.database.tables import DELIVERIES
from core.adapters.database.times import milliseconds
from core.model.alert import Delivery


class SqlDeliveryStore:
    """Fulfil the DeliveryStore port on a database."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def put(self, delivery: Delivery) -> None:
        """Keep how a delivery stands now."""
        kept = {"at": milliseconds(delivery.at), "state": delivery.state.value, "body": text_of(delivery)}
        # A message that went out must not go out again because the power failed.
        with self._access.writing(durable=True) as connection:
            insert = insert_into(connection, DELIVERIES).values(notice_id=delivery.notice_id, **kept)
            connection.execute(insert.on_conflict_do_update(index_elements=["notice_id"], set_=kept))

    def get(self, notice_id: str) -> Delivery | None:
        """Return a delivery by its notice."""
        with self._access.reading() as connection:
            query = sa.select(DELIVERIES.c.body).where(DELIVERIES.c.notice_id == notice_id)
            body = connection.execute(query).scalar()
            return None if body is None else value_of(body, Delivery)

    def latest(self, limit: int = 50) -> Sequence[Delivery]:
        """Return the newest deliveries first."""
        query = sa.select(DELIVERIES.c.body).order_by(DELIVERIES.c.at.desc(), DELIVERIES.c.notice_id.desc())
        with self._access.reading() as connection:
            return tuple(value_of(body, Delivery) for body in connection.execute(query.limit(max(limit, 0))).scalars())
