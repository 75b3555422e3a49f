"""Outbreaks in count series: which week of which series is out of the ordinary, and by how much.

Pure functions on arrays of numpy, imported by the application and by the offline commands. They
know neither cells nor regions, no database and no contract.
"""
