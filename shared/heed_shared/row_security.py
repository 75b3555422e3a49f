"""The database's own wall around regions, behind the conditions of each query.

While a person or agency calls, ``Database.read`` tells the transaction the caller's region; rows of
other regions are then not there for it, whatever a query forgot. Writes and background work read
everything: they are no answers to anybody. The owner of a table, who migrates, is not held.
"""

from typing import Protocol

SETTING = "heed.region_prefix"
"""Set for one transaction only; a pooled connection must not carry it to the next caller."""

_POLICIES = (
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    # starts_with is leakproof, so indexes serve the query's own conditions as before.
    "CREATE POLICY of_region ON {table} FOR SELECT"
    f" USING (starts_with({{column}}, coalesce(current_setting('{SETTING}', true), '')))",
    "CREATE POLICY adding ON {table} FOR INSERT WITH CHECK (true)",
    "CREATE POLICY changing ON {table} FOR UPDATE USING (true)",
    "CREATE POLICY removing ON {table} FOR DELETE USING (true)",
)
_NAMES = ("of_region", "adding", "changing", "removing")


class Operations(Protocol):
    """The part of Alembic's ``op`` that is needed here."""

    def execute(self, sqltext: str) -> object:
        """Run one statement."""
        ...


def close_by_region(op: Operations, table: str, column: str) -> None:
    """Let a reader see the rows of ``table`` whose region in ``column`` lies in the caller's."""
    for statement in _POLICIES:
        op.execute(statement.format(table=table, column=column))


def open_again(op: Operations, table: str) -> None:
    """Undo ``close_by_region``."""
    for name in _NAMES:
        op.execute(f"DROP POLICY {name} ON {table}")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
