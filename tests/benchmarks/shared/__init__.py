"""Benchmarks of what every service has."""
