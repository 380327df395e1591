"""Talk to the outside; the only rooms that name httpx, databricks, sqlalchemy and config formats."""
