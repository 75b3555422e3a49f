"""What sorting and grouping mean: plain data and pure functions, no I/O."""
