"""Use cases of intake and the ports through which they reach storage."""
