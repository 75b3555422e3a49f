"""Revisions of the disposal schema."""
