"""Heed on one machine: embedded Postgres, authority, launcher, simulator, demo and command line."""
