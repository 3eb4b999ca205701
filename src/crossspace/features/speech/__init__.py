"""Words and speakers of a recording that comes without a transcript."""
