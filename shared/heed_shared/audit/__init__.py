"""The audit: what was done on a service, by whom and for what, in a chain that shows tampering.

Every RPC has an entry (``pending``), begun and ended by the interceptor (``recording``), written
with the RPC's first commit or, for one that only read, before its answer leaves (``writing``). One
process of each service puts the entries into the hash chain (``sealing``), and AuditService lists
and checks them (``server``).
"""

from heed_shared.audit.entries import Entry, count_written, insert_entries
from heed_shared.audit.pending import Pending, begin, current, detach, note, note_hidden

__all__ = [
    "Entry",
    "Pending",
    "begin",
    "count_written",
    "current",
    "detach",
    "insert_entries",
    "note",
    "note_hidden",
]
