"""Rules of registration: plain Python, with time, chance and reference data as arguments."""
