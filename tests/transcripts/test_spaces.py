from __future__ import annotations

import random

from crossspace.transcripts import spaces


def test_words_stand_one_space_apart_wherever_the_text_is_cut(monkeypatch):
    monkeypatch.setattr(spaces, "_BLOCK", 3)
    draw = random.Random(0)
    texts = ["".join(draw.choices("ab \n\u00a0", k=draw.randint(0, 14))) for _ in range(3000)]
    assert [spaces.joined(text) for text in texts] == [" ".join(text.split()) for text in texts]
