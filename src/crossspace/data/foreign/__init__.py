"""Files of other programs, read as plain values: known by their sign, bounded in work, never executed."""
