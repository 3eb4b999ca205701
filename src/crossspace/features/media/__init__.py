"""Recordings: sound and pictures from files of any container."""
