"""From a configuration and a corpus to a run folder.

``run``          trains every seed, tests once, writes everything down
``folder``       the files of a run folder, whose it is, and whether it is finished
``mirror``       a run folder on a store: what is durable is brought there
``environment``  what a finished run says of how it came about
"""

from crossspace.experiment.run import Run

__all__ = ["Run"]
