"""Tests of the whole repository, by area; see docs/ for how to run them."""
