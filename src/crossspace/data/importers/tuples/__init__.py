"""Tuples of tables by conversation: what each entry is, the utterances in them, and which published corpus they are."""
