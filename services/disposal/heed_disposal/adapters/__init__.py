"""What touches the world: the database, the data files, other services' feeds."""
