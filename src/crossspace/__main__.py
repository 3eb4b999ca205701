"""``python -m crossspace``."""

from crossspace.cli.main import program

if __name__ == "__main__":
    raise SystemExit(program())
