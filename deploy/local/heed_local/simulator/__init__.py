"""A made-up city whose petitions are known: who wrote about what is invented, the truth is kept.

The demo, the tests and the benchmarks run on it. Its places, firms and names exist nowhere, its
texts were written for it alone and are never used to train a model: a classifier that reads them
well has not seen them before.
"""
