"""Use cases of intake with fakes."""
