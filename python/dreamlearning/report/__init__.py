"""Pictures: of what a file holds, and of results.

In: an opened ``.gede`` file, or the dictionary that :func:`dreamlearning.recipes.run_main_job` or
:func:`dreamlearning.comparison.compare` returns. Out: a matplotlib figure, or a PNG, PDF or SVG file. Needs
``pip install "dreamlearning[plots]"``; one panel of tables needs the extra ``tabular``, too.

Of a table ``rows`` reads what there is to see, ``storage``, ``points`` and ``learning`` draw the panels, and
``tables`` puts them together; ``images`` does the same for images.
"""

from .files import file_figure
from .results import comparison_figure, main_job_figure
from .saving import check_picture_name, save_figure

__all__ = ["check_picture_name", "comparison_figure", "file_figure", "main_job_figure", "save_figure"]
