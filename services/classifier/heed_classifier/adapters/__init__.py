"""Postgres, files, the model and the other services behind the ports of the application."""
