"""How fast and how large the library is, beside a plain implementation of the published procedure."""
