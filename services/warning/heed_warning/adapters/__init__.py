"""PostgreSQL and processes behind the ports of the application."""
