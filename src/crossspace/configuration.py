"""From YAML files and command-line options to a checked, complete configuration.

The signatures of the chosen model, balancer and of :class:`TrainingOptions` are the schema: jsonargparse makes options,
help and type checks of them. A configuration has the sections ``model``, ``balancer`` and ``training``; ``name`` in
the first two says which component the rest of the section is for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser, Namespace

from crossspace.balance import BALANCERS, Balancer
from crossspace.bounds import check_numbers
from crossspace.building import without_storage
from crossspace.components import needed
from crossspace.data.task import TaskSpec
from crossspace.errors import CrossspaceError, UsageError, suggestion
from crossspace.layering import DEFAULT, KINDS, merge, options_to_tree
from crossspace.models import MODELS, Model
from crossspace.recipes import read_recipe
from crossspace.runtime import total_memory
from crossspace.signatures import REFUSALS, add_component, faults_of, reason, without_strange_parts, without_value
from crossspace.training.checks import check_balancer, check_training, objectives_of
from crossspace.training.graphs import check_graphs
from crossspace.training.options import TrainingOptions
from crossspace.yaml_text import read_yaml_file

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus

_PER_OBJECTIVE = {"fixed": "values", "pbi": "preference", "stch": "preference"}
"""Arguments of balancers with a number for each objective; how many there are, the model says."""


@dataclass(frozen=True)
class Configuration:
    """What is trained and how, with every default filled in.

    Attributes:
        model: ``name`` and the arguments of a model.
        balancer: ``name`` and the arguments of a balancer.
        training: the options of the trainer.
        recipe: the recipe it started from, if any.
    """

    model: dict[str, Any]
    balancer: dict[str, Any]
    training: TrainingOptions
    recipe: str | None = None

    def view(self, corpus: Corpus) -> Corpus:
        """The corpus as this configuration wants to see it: with the modalities it names."""
        chosen = self.training.modalities
        return corpus if chosen is None else corpus.with_modalities(chosen)

    def build_model(self, task: TaskSpec, left_out: Collection[str] = ()) -> Model:
        """A freshly initialised model for ``task``.

        Args:
            task: what the model is to know.
            left_out: modalities of the corpus that the task does not have; entries for them in arguments that give
                a value per modality fall away, so that one recipe serves every subset.
        """
        arguments = {key: _without(value, left_out) for key, value in self.model.items() if key != "name"}
        return MODELS[self.model["name"]](task, **arguments)

    def build_balancer(self) -> Balancer:
        """The balancer."""
        arguments = {key: value for key, value in self.balancer.items() if key != "name"}
        check_numbers(arguments)
        return BALANCERS[self.balancer["name"]](**arguments)

    def check(self, corpus: Corpus, processes: int = 1) -> None:
        """Whether this can be trained on ``corpus``, found out without computing or writing anything.

        Model and balancer are built without storage, so that what only they can refuse is known beforehand.

        Args:
            corpus: to train on.
            processes: that train together.

        Raises:
            UsageError: the model, the balancer or the training refuses a value, or the model is too large for memory.
            MissingExtraError: a component needs a library that is not installed.
        """
        seen = self.view(corpus)
        try:
            with without_storage():
                model = self.build_model(seen.spec, set(corpus.spec.modalities) - set(seen.spec.modalities))
        except CrossspaceError:
            raise
        except Exception as error:  # PyTorch and NumPy refuse sizes, rates and types each in its own way
            raise UsageError(f"The model cannot be built: {_first_line(error)}.") from error
        size, memory = 4 * sum(p.numel() for p in model.parameters()), total_memory()
        if memory is not None and size > memory:
            raise UsageError(
                f"The weights of the model would take {size / 1e9:,.0f} GB; this machine has {memory / 1e9:,.0f} GB of "
                "memory. Choose a smaller `model.width` or other sizes."
            )
        argument, count = _PER_OBJECTIVE.get(self.balancer["name"], ""), len(objectives_of(model))
        values = self.balancer.get(argument)
        if values is not None and len(values) != count:
            raise UsageError(
                f"`balancer.{argument}` should be {count} numbers, one per objective. Found {list(values)}."
            )
        balancer = self.build_balancer()
        check_balancer(balancer)
        check_training(seen, self.training, model, processes)
        if self.training.graphs:
            check_graphs(model, balancer, self.training.accumulate, processes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, complete: reading them back gives the same configuration."""
        return {
            "recipe": self.recipe,
            "model": _plain(self.model),
            "balancer": _plain(self.balancer),
            "training": _plain(asdict(self.training)),
        }


_RUN_KEYS = frozenset({"recipe", "data", "seeds", "imports"})
"""What ``config.yaml`` of a run says besides the three sections."""


def configuration_parser(
    model: str, balancer: str, prog: str | None = None, stated: Mapping[str, Any] | None = None
) -> ArgumentParser:
    """A parser with the options of one model, one balancer and of training.

    Args:
        model, balancer: their names.
        prog: name of the program in its help.
        stated: arguments of the model; the names of parts in them say whose options there are.
    """
    parser = ArgumentParser(prog=prog, exit_on_error=False, default_env=False)
    for section, name in (("model", model), ("balancer", balancer)):
        parser.add_argument(f"--{section}.name", default=name, help=f"which {section}: {', '.join(KINDS[section])}")
        add_component(parser, section, KINDS[section][name], (stated or {}) if section == "model" else {})
    parser.add_class_arguments(TrainingOptions, "training")
    return parser


def read_configuration(
    recipe: str | None = None, file: str | Path | None = None, options: Sequence[str] = ()
) -> Configuration:
    """Merge a recipe, a YAML file and command-line options, later ones winning, and check the whole.

    Args:
        recipe: name of a shipped recipe.
        file: YAML with any of the sections ``model``, ``balancer``, ``training``.
        options: ``--section.argument value`` pairs; ``--model NAME`` and ``--balancer NAME`` choose a component.

    Raises:
        UsageError: every fault, with the nearest known names.
    """
    layers, hint = [DEFAULT], ""
    if recipe is not None:
        layers.append(read_recipe(recipe))
    if file is not None:
        content = read_yaml(Path(file))
        recipe = recipe or content.get("recipe")
        hint = needed(content.get("imports"), Path(file).parent)
        layers.append({key: value for key, value in content.items() if key not in _RUN_KEYS})
    try:
        return _checked(merge(layers, options_to_tree(options)), recipe)
    except UsageError as error:
        raise UsageError(f"{error}{hint}") from error


def make_configuration(tree: Mapping[str, Any], recipe: str | None = None) -> Configuration:
    """Check nested values against the signatures and fill in the defaults.

    Raises:
        UsageError: every fault at once.
    """
    return _checked(merge([tree]), recipe)


def _checked(tree: Mapping[str, Any], recipe: str | None) -> Configuration:
    faults = _unknown_sections(tree)
    names = {}
    for section, known in KINDS.items():
        values, usual = tree.get(section), DEFAULT[section]["name"]
        names[section] = name = values.get("name", usual) if isinstance(values, Mapping) else usual
        if not isinstance(name, str) or name not in known:
            faults.append(f"There is no {section} {name!r}. {suggestion(str(name), known)}")
    if faults:
        raise UsageError("\n".join(faults))
    kinds = {section: known[names[section]] for section, known in KINDS.items()} | {"training": TrainingOptions}
    sound = without_strange_parts(tree, kinds, faults)
    faults += [fault for section, values in sound.items() for fault in without_value(section, kinds[section], values)]
    parser = configuration_parser(names["model"], names["balancer"], stated=sound.get("model"))
    try:
        parsed = parser.parse_object(sound)
    except REFUSALS as error:
        faults += faults_of(parser, sound, kinds) or ([] if faults else [reason(error)])
    if faults:
        raise UsageError("\n".join(faults))
    return Configuration(
        model=_section(parsed, "model"),
        balancer=_section(parsed, "balancer"),
        training=TrainingOptions(**_section(parsed, "training")),
        recipe=recipe,
    )


def _section(parsed: Namespace, name: str) -> dict[str, Any]:
    values = parsed[name]
    values = values.as_dict() if isinstance(values, Namespace) else dict(values)
    return {"name": values["name"], **values} if "name" in values else values


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")


def _unknown_sections(tree: Mapping[str, Any]) -> list[str]:
    faults = [f"Unknown section {key!r}. {suggestion(key, DEFAULT)}" for key in tree if key not in DEFAULT]
    return faults + [
        f"Section {key!r} should be a mapping of arguments. Found {value!r}."
        for key, value in tree.items()
        if key in DEFAULT and not isinstance(value, Mapping)
    ]


def today(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file in which a complete configuration was written down, as this release writes it.

    Raises:
        UsageError: it is not, or no more, a configuration.
    """
    sections = {key: content[key] for key in DEFAULT if key in content}
    return {**content, **make_configuration(sections, content.get("recipe")).to_dict()} if sections else dict(content)


def read_yaml(path: Path, expected: str = "a YAML file with a configuration") -> dict[str, Any]:
    """The content of a YAML file with a configuration.

    Raises:
        UsageError: it cannot be read, or holds no sections.
    """
    content = read_yaml_file(path, expected)
    if not isinstance(content, dict):
        raise UsageError(f"{path} should hold the sections {sorted(DEFAULT)}. Found {type(content).__name__}.")
    return content


def _without(value: Any, keys: Collection[str]) -> Any:
    return {k: _without(v, keys) for k, v in value.items() if k not in keys} if isinstance(value, Mapping) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
