"""Alembic revisions of the classifier's schema."""
