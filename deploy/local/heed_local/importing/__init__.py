"""Reads a user's own file of petitions: columns by name, areas of any kind, no row lost."""
