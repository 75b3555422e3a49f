"""Use cases of the warning service: load, decide by the domain's rules, save."""
