"""A service with nothing but the foundation, and one table for effects."""
