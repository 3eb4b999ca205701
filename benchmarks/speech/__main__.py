"""``python -m benchmarks.speech``."""

from benchmarks.speech.measure import main

if __name__ == "__main__":
    main()
