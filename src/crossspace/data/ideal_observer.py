"""The best that anybody can do on a synthetic corpus: exact inference with the process that made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

Context = Literal["whole", "past", "none"]

if TYPE_CHECKING:
    from crossspace.data.conversation import Conversation
    from crossspace.data.importers.synthetic import Synthetic


def evidence(conversation: Conversation, truth: Synthetic) -> np.ndarray:
    """(T, C) likelihood of what is seen of each utterance under every emotion, up to a factor per utterance.

    Noise of standard deviation s makes the mean of a sign, given the projection u of a modality on its direction,
    ``tanh(u / s**2)``. A bit is the product of one hidden sign per modality; summing over all of them leaves

        p(seen | bit) proportional to 1 + bit * product over modalities of tanh(u_m / s**2),

    so a bit of which one modality is missing stays wholly unknown. With the bit in each modality it is

        p(seen | bit) proportional to 1 + bit * tanh(sum over modalities of u_m / s**2),

    in which a missing modality is no summand.
    """
    seen = np.stack([_projections(conversation, truth, modality) for modality in truth.widths]) / truth.noise**2
    if truth.coding == "each":
        means = np.tanh(np.nansum(seen, axis=0))
    else:
        means = np.prod(np.nan_to_num(np.tanh(seen)), axis=0)
    return np.prod(1 + truth.bits[None] * means[:, None], axis=2)


def _projections(conversation: Conversation, truth: Synthetic, modality: str) -> np.ndarray:
    """(T, 2) of the modality's features on the directions of its two signs; NaN where it is missing."""
    directions = truth.directions(modality)
    vectors = (utterance.features.get(modality) for utterance in conversation.utterances)
    return np.stack([np.full(2, np.nan) if vector is None else directions @ vector for vector in vectors])


def posteriors(conversation: Conversation, truth: Synthetic, future: bool = True) -> np.ndarray:
    """(T, C) probability of every emotion of every utterance, given all that is seen of the whole conversation.

    Exact forward-backward over what the chain remembers: the latest emotion of either speaker, or that there is none
    yet (5 x 5 states).

    Args:
        conversation: of the process.
        truth: the process.
        future: with False, given what is seen up to each utterance alone.
    """
    seen, chain = evidence(conversation, truth), truth.transitions
    names = truth.speaker_names
    second = [utterance.speaker == names[1] for utterance in conversation.utterances]
    forward = np.zeros((len(seen) + 1, *chain.shape[:2]))
    # Nobody has spoken yet: both latest emotions are the fifth state, none.
    forward[0, -1, -1] = 1
    for t, other in enumerate(second):
        # Transposed for the second speaker, so that the first axis is always the one who speaks.
        state = forward[t].T if other else forward[t]
        step = np.zeros_like(state)
        step[:-1] = np.einsum("ab,aby,y->yb", state, chain, seen[t])
        # Scaled to sum 1 each time: the product of many likelihoods would underflow.
        forward[t + 1] = (step.T if other else step) / step.sum()
    backward = np.ones(chain.shape[:2])
    posterior = np.zeros_like(seen)
    for t in reversed(range(len(seen))):
        joint = forward[t + 1] * backward
        posterior[t] = joint.sum(axis=0)[:-1] if second[t] else joint.sum(axis=1)[:-1]
        if not future:
            continue
        ahead = backward.T if second[t] else backward
        back = np.einsum("aby,y,yb->ab", chain, seen[t], ahead[:-1])
        backward = (back.T if second[t] else back) / back.max()
    return posterior / posterior.sum(axis=1, keepdims=True)


def observed(conversations: Sequence[Conversation], truth: Synthetic) -> float:
    """The accuracy of the ideal observer on these very conversations: the best that is to be expected on them."""
    hits = sum(_hits(conversation, posteriors(conversation, truth), truth) for conversation in conversations)
    return hits / sum(map(len, conversations))


def _hits(conversation: Conversation, scores: np.ndarray, truth: Synthetic) -> int:
    index = np.array([truth.labels.index(str(u.label)) for u in conversation.utterances])
    return int((scores.argmax(axis=1) == index).sum())


def ceiling(
    truth: Synthetic, conversations: int = 2000, seed: int = 0, context: Context = "whole"
) -> tuple[float, float]:
    """Monte Carlo estimate of the best accuracy that any classifier can reach, and its standard error.

    Args:
        truth: the process.
        conversations: how many are drawn; the standard error takes conversations, not utterances, for independent.
        seed: of the draw.
        context: what the classifier sees: the ``whole`` conversation, its ``past`` alone, or ``none`` of it but the
            utterance itself and the emotions' frequencies.
    """
    hits, sizes = [], []
    drawn = [truth.draw(np.random.default_rng([seed, 5, i]), f"c{i}") for i in range(conversations)]
    frequencies = truth.frequencies() if context == "none" else None
    for conversation in drawn:
        if frequencies is not None:
            scores = evidence(conversation, truth) * frequencies
        else:
            scores = posteriors(conversation, truth, future=context == "whole")
        hits.append(_hits(conversation, scores, truth))
        sizes.append(len(conversation))
    total, count = np.array(hits, float), np.array(sizes, float)
    mean = total.sum() / count.sum()
    # The error of a ratio of sums (conversations differ in length), by linearisation.
    spread = np.sqrt(((total - mean * count) ** 2).sum()) / count.sum()
    return float(mean), float(spread)
