"""The parts of a file that several workers, perhaps on several machines, make piece by piece."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from glob import escape
from pathlib import Path
from typing import Any

from crossspace.engine.claim import claimed, is_claimed
from crossspace.engine.shard import Shard, shard_of
from crossspace.errors import DataError, UsageError
from crossspace.reading import reading
from crossspace.runtime import write_new, write_text
from crossspace.stores import Place, Where, place

PLAN, RECORD, _SEAL = "plan.json", "done.json", "seal"
_KEY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Outcome:
    """What came of an item.

    Attributes:
        parts: names of its parts, in order: one, but for items that had to be done piecemeal or failed.
        failures: ``{what of it failed: reason}``.
    """

    parts: Sequence[str] = ()
    failures: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, parts: Any, failures: Any) -> Outcome:
        """As a record states it.

        Raises:
            ValueError: no item ends so.
        """
        # A name that is no key could lead out of the folder.
        if not isinstance(parts, list) or not all(isinstance(name, str) and _KEY.fullmatch(name) for name in parts):
            raise ValueError(f"parts are named by keys, not {parts!r}")
        if not isinstance(failures, dict) or not all(isinstance(reason, str) for reason in failures.values()):
            raise ValueError(f"failures have reasons, not {failures!r}")
        if not parts and not failures:
            raise ValueError("an item has parts or failures, not neither")
        return cls(parts, failures)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """Several as one."""
        every = list(outcomes)
        failures = {what: reason for outcome in every for what, reason in outcome.failures.items()}
        return cls([name for outcome in every for name in outcome.parts], failures)


@dataclass(frozen=True)
class Unwritten:
    """That no part could be written, which is no fault of the item: the work stops, and goes on once there is space.

    Attributes:
        reason: a sentence.
    """

    reason: str


class PartsFolder:
    """The folder ``TARGET.parts`` beside a file that is to be made.

    It holds ``plan.json``, what is to be made; ``parts/<key>.parquet``, each named after what it was made from and
    written whole or not at all; and for every shard that has ended ``shard-I-of-N/done.json``, what came of its items.
    A part that exists is never made again, whoever made it.

    Args:
        target: the file.
    """

    def __init__(self, target: Where) -> None:
        self.target = place(target)
        if self.target.name in ("", ".."):
            raise UsageError(f"TARGET should be the name of a file. Found {str(target)!r}.")
        self.path = self.target.parent / f"{self.target.name}.parts"

    def part(self, name: str) -> Place:
        """The file of a part."""
        return self.path / "parts" / f"{name}.parquet"

    def shard(self, shard: Shard) -> Place:
        """The folder of a shard."""
        return self.path / f"shard-{shard.number}-of-{shard.count}"

    @property
    def claim_path(self) -> Place:
        """The folder that is claimed by who makes the whole."""
        return self.target.parent / f".{self.target.name}.claim"

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Nobody else makes the whole, or a shard of it, or merges it, meanwhile.

        Raises:
            UsageError: somebody does; the message says who.
        """
        with claimed(self.claim_path, passing=True):
            self.check_unclaimed()
            if isinstance(self.target, Path):  # nothing on a store is half-written
                for partial in self.target.parent.glob(f".{escape(self.target.name)}.*.partial"):
                    partial.unlink(missing_ok=True)  # of one that was killed while it wrote
            yield

    def begin(self, plan: Mapping[str, Any], alone: bool) -> None:
        """Write down what is to be made, or find that it is what the folder is for.

        Args:
            plan: what is to be made.
            alone: the whole is claimed, and no shard at work.

        Raises:
            UsageError: other shards make something else.
        """
        stated = json.loads(json.dumps(plan))
        path = self.path / PLAN
        if isinstance(self.path, Path):  # a store has no empty folders
            self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**stated, _SEAL: key_of(stated)}, indent=2, ensure_ascii=False) + "\n"
        if write_new(path, text):
            return
        if alone and not self._shards():
            write_text(path, text)  # parts are named after what made them: those of before are of no harm
        elif faults := _differences(self.plan(), stated):
            raise UsageError(
                f"{self.path} holds the parts of shards with other settings:{faults}\nGive every shard the same "
                f"source and settings, or remove the folder {self.path.name} to begin anew."
            )

    def plan(self) -> dict[str, Any]:
        """What is to be made.

        Raises:
            DataError: nothing was begun here, or the plan is damaged.
        """
        path = self.path / PLAN
        if not path.exists():
            raise DataError(
                f"{self.path} should hold the parts of {self.target.name}, which 'crossspace extract' and 'crossspace "
                f"predict' make with --shard I/N. Found {'no ' + PLAN if self.path.exists() else 'nothing'} there."
            )
        advice = "Remove it and run the same commands again: what they have made is kept."
        with reading(path, "a plan of this release (JSON)", advice):
            plan = dict(json.loads(path.read_text(encoding="utf-8")))
            if plan.pop(_SEAL, None) != key_of(plan):
                raise ValueError("its seal is that of another plan")
        return plan

    def record(self, shard: Shard, outcomes: Mapping[int, Outcome]) -> None:
        """Write down that a shard has ended, and how."""
        items = {str(number): asdict(outcomes[number]) for number in sorted(outcomes)}
        write_text(self.shard(shard) / RECORD, json.dumps(items, ensure_ascii=False) + "\n")

    def outcomes(self) -> list[Outcome]:
        """What came of every item, in their order.

        Raises:
            DataError: a shard lacks or its record is damaged.
            UsageError: shards of several counts have ended.
        """
        shards = self._shards()
        counts, ended = sorted({shard.count for shard in shards}), {shard.number for shard in shards}
        if len(counts) > 1:
            raise UsageError(
                f"{self.path} should hold the shards of one count. Found those of {' and of '.join(map(str, counts))}. "
                "Remove the folders of the shards that are not meant."
            )
        total = counts[0] if counts else 1
        lacking = [str(Shard(n, total)) for n in range(1, total + 1) if n not in ended]
        if lacking:
            shown = f"{', '.join(lacking[:20])}{', ...' if len(lacking) > 20 else ''}" if counts else "any"
            raise DataError(
                f"{self.path} should hold all shards. Not ended: {shown}. Run them (what they have made is kept), "
                "then merge again."
            )
        items, found = int(self.plan()["items"]), dict[int, Outcome]()
        for shard in shards:
            found.update(self._recorded(shard, items))
        return [found[number] for number in range(items)]

    def check_unclaimed(self) -> None:
        """Raise :class:`UsageError` where a shard is still at work."""
        for folder in self._shard_folders():
            if is_claimed(folder):
                with claimed(folder):  # says who
                    pass

    def remove(self) -> None:
        """Remove the folder, once the whole stands."""
        # Not all that is in it: what somebody else has put there is not ours to remove.
        for folder in (self.path / "parts", *self._shard_folders()):
            if isinstance(folder, Path):
                shutil.rmtree(folder, ignore_errors=True)
            else:
                for file in folder.below():
                    file.unlink(missing_ok=True)
        (self.path / PLAN).unlink(missing_ok=True)
        if isinstance(self.path, Path):  # a store has no empty folders
            with suppress(OSError):
                self.path.rmdir()

    def _recorded(self, shard: Shard, items: int) -> dict[int, Outcome]:
        path = self.shard(shard) / RECORD
        with reading(path, "the record of a shard (JSON)", f"Run shard {shard} again."):
            stated = json.loads(path.read_text(encoding="utf-8"))
            outcomes = {int(number): Outcome.parse(**outcome) for number, outcome in stated.items()}
            if sorted(outcomes) != list(shard.of(range(items))):
                raise ValueError(f"it has {len(outcomes)} items, or others, of {len(shard.of(range(items)))}")
        return outcomes

    def _shard_folders(self) -> Iterator[Place]:
        if self.path.exists():
            inside: list[Place] = list(self.path.iterdir())
            yield from (i for i in sorted(inside, key=lambda inner: inner.name) if shard_of(i.name))

    def _shards(self) -> list[Shard]:
        """Those that have ended."""
        named = [(folder, shard_of(folder.name)) for folder in self._shard_folders()]
        return sorted(
            (shard for folder, shard in named if shard and (folder / RECORD).exists()),
            key=lambda shard: (shard.count, shard.number),
        )


def key_of(*material: Any) -> str:
    """What a part is called: a digest of what it is made from, plain values."""
    return hashlib.sha256(json.dumps(material, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    """A line for every setting that is another."""
    return "".join(
        f"\n  {name}: {left.get(name)!r} in the folder, {right.get(name)!r} now"
        for name in dict.fromkeys([*left, *right])
        if left.get(name) != right.get(name)
    )
