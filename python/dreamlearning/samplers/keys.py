"""What each key of a permutation or a hash is for.

In: nothing. Out: numbers that go into :func:`dreamlearning.permutation.derive_key`, so that no two uses of
one seed share an order. They are part of the order: append, never renumber.
"""

__all__ = ["CLASS", "DRAW", "GROUP", "OFFSET", "SHUFFLE", "START", "TIE", "WALK"]

WALK, SHUFFLE, DRAW, CLASS, TIE, START, OFFSET, GROUP = range(8)
