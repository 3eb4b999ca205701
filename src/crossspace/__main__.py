"""``python -m crossspace``."""

from crossspace.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
