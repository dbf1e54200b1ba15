"""Whole jobs built from the public parts of this package: what `dreamlearning demo` runs, in readable pieces.

In: a source and a few settings. Out: compressed files, trained models, measured numbers. Read
:mod:`main_job` first; :mod:`training` is the training loop, :mod:`resnet` the model. Needs
``pip install "dreamlearning[torch]"``.
"""

from .main_job import MainJob, run_main_job
from .training import Recipe, Run, train

__all__ = ["MainJob", "Recipe", "Run", "run_main_job", "train"]
