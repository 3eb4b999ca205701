"""Fusion operators: from one representation per modality to one."""
