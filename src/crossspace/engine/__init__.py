"""How work is run: in processes that may die, in folders that one process holds at a time."""
