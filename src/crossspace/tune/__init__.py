"""The search for a good configuration: space, folds, shared storage, the search itself."""
