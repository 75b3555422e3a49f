"""What every Heed service needs and no domain rule: server, clients, errors, feeds, database."""
