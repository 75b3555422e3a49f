"""Reference data that several services read: regions, the content taxonomy and the work calendar.

The data are plain CSV files beside the modules, with dates of validity; NOTICE.md says where each
comes from. A deploying authority mounts its own tables over them.
"""
