"""How large the conversations of a corpus are."""

from __future__ import annotations

import numpy as np

from crossspace.data.corpus import Corpus


def training_sizes(corpus: Corpus) -> dict[str, int]:
    """The sizes of the training conversations, as a model records them.

    Returns:
        ``utterances`` and ``speakers``, the most that a conversation has, and where there are texts ``words``, which 99
        of 100 utterances do not exceed.
    """
    ids = corpus.utterances("train")
    names, ends = ids["speaker"].to_pylist(), np.cumsum(corpus.lengths("train"))
    speakers = [len(set(names[start:end])) for start, end in zip((0, *ends[:-1]), ends, strict=True)]
    words = [len(text.split()) for text in ids["text"].to_pylist() if text]
    sizes = {"utterances": max(corpus.lengths("train"), default=0), "speakers": max(speakers, default=0)}
    return {**sizes, "words": int(np.percentile(words, 99, method="higher"))} if words else sizes
