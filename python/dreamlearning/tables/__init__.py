"""Tables: what their columns are, and how Arrow's values become cells of fixed size and come back.

In: columns of an Arrow type, or the description that a file keeps. Out: packed records, one for each row, and
Arrow tables, data frames and matrices made of them.
"""

from .description import Column, Table

__all__ = ["Column", "Table"]
