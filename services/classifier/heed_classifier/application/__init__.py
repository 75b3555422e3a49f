"""Use cases of the classifier, one module each."""
