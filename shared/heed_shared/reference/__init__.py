"""Reference data that several services read: regions, taxonomy, calendar and deadline rules.

The data are plain text files beside the modules, with dates of validity; NOTICE.md says where each
comes from. A deploying authority mounts its own tables over them.
"""
