"""Objectives: what training reduces."""
