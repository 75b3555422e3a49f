"""Tests of disposal."""
