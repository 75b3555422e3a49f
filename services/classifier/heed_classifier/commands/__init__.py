"""Offline commands (离线命令) of the classifier: the code of the service on files."""
