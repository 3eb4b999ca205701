"""Cuts of a corpus into splits and folds: the rules, what belongs together, how far the parts are apart."""
