"""Alembic revisions of the warning schema."""
