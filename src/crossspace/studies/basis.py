"""What every table and figure of a study says of itself: split, protocol, seeds, corpus, and what weakens it."""

from __future__ import annotations

from crossspace.studies.results import StudyRecord
from crossspace.studies.study import BEST_ON_TEST


def basis(record: StudyRecord) -> str:
    """One or two sentences."""
    run = record.reference.run
    corpus = run.environment["corpus"].get("name", "corpus")
    count = len(record.seeds)
    text = (
        f"{corpus}, {run.results['split']} split, protocol {record.protocol}, {count} seed{'s' * (count > 1)}, corpus "
        f"{record.fingerprint[:12]}."
    )
    return " ".join([text, *weaknesses(record)])


def weaknesses(record: StudyRecord) -> list[str]:
    """Why the numbers should not be taken at face value."""
    reasons = []
    if len(record.seeds) == 1:
        reasons.append("ONE SEED: no spread between trainings is known; a difference may be luck.")
    seen = record.reference.run.environment["corpus"].get("seen") or {}
    if seen:
        splits = " and ".join(seen)
        reasons.append(f"IN-SAMPLE FEATURES in {splits}: their encoder was trained on the labels of these utterances.")
    if record.protocol == "mixed":
        reasons.append(f"Some variants have the protocol {BEST_ON_TEST.upper()}: their numbers are optimistic.")
    elif record.protocol != "validation":
        reasons.append(f"Protocol {BEST_ON_TEST.upper()}: the test split chose the epoch; the numbers are optimistic.")
    if record.twins:
        reasons.append(f"Columns {BEST_ON_TEST} are optimistic: there the test split chose the epoch.")
    return reasons
