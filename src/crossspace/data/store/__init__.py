"""The corpus file: its columns, what stands in its head, how it is written, read and checked."""
