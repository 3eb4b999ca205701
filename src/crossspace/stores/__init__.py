"""Files that stand elsewhere: on an object store or whatever else fsspec knows, by address.

:func:`place` turns what a user wrote into a path or an address, which have one interface. :mod:`.putting` writes whole
or not at all, :class:`.ranges.RangeFile` reads parts, :mod:`.copies` keeps whole files on this machine for libraries
that want a local one. Which exception of which library means what is decided in :mod:`.faults`.
"""

from crossspace.stores.places import Place, Where, beside, is_address, place

__all__ = ["Place", "Where", "beside", "is_address", "place"]
