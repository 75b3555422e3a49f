"""Postgres, key rings and feeds behind the ports of the use cases."""
