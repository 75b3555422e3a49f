"""Use cases: load, decide, save, publish. No contract types and no SQL."""
