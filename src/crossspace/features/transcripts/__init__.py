"""Transcripts of many formats, one file each."""
