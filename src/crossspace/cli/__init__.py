"""The command line: ``crossspace COMMAND``."""
