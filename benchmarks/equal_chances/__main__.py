"""``python -m benchmarks.equal_chances``."""

from benchmarks.equal_chances.search import main

if __name__ == "__main__":
    main()
