"""Damaged and forged files for every reader: the list of readers, the mutations, and processes that may die."""
