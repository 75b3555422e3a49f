"""Benchmarks of disposal."""
