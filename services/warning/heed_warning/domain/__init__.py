"""Rules of early warning: pure functions on arrays and frozen data; no proto, SQL, clock or I/O."""
