"""The rules of disposal as plain Python: clocks, states, assessment, playbooks, counts.

Nothing in here reads a clock, a file, a database or the network; time, calendar and rules are
arguments.
"""
