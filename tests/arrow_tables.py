"""What the tests of tables share: columns of every type, with and without nulls, and comparing bit by bit."""

import decimal

import numpy as np
import pyarrow as pa

NAN_BITS = {2: 0x7E01, 4: 0x7FC0BEEF, 8: 0x7FF8DEADBEEF0001}
DECIMAL = decimal.Decimal


def floats(dtype):
    """Floats that are easily damaged: both zeros, infinities, NaNs with payloads, extremes."""
    size = np.dtype(dtype).itemsize
    info = np.finfo(dtype)
    values = np.array(
        [0, -0.0, 1.5, np.inf, -np.inf, np.nan, info.max, info.tiny, info.smallest_subnormal], dtype
    )
    bits = np.concatenate([values.view(f"u{size}"), np.array([NAN_BITS[size]], f"u{size}")])
    return bits.view(dtype)


def columns():
    """Name -> Arrow array of 10 values for every type that a file holds."""
    found = {}
    for bits in (8, 16, 32, 64):
        for name in (f"int{bits}", f"uint{bits}"):
            info = np.iinfo(name)
            found[name] = pa.array(np.array([info.min, info.max, *range(8)], name))
    for bits in (16, 32, 64):
        found[f"float{bits}"] = pa.array(floats(f"f{bits // 8}"), from_pandas=False)
    whole = np.array([-(2**62), 2**62, -1, 0, 1, 2, 3, 10**12, 7, 8])
    for unit in ("s", "ms", "us", "ns"):
        values = whole // 10**6 if unit == "s" else whole  # Parquet makes milliseconds of seconds
        found[f"timestamp {unit}"] = pa.array(values, pa.timestamp(unit))
        found[f"duration {unit}"] = pa.array(whole, pa.duration(unit))
    found["zoned"] = pa.array(whole, pa.timestamp("us", "Europe/Berlin"))
    found["date32"] = pa.array(np.array([-700000, 10**6, *range(8)], np.int32)).cast(pa.date32())
    found["date64"] = pa.array(np.arange(10) * 86_400_000).cast(pa.int64()).cast(pa.date64())
    found["time32"] = pa.array(np.arange(10, dtype=np.int32) * 1000).cast(pa.time32("ms"))
    found["time64"] = pa.array(np.arange(10) * 1001).cast(pa.time64("ns"))
    found["decimal"] = pa.array(
        [DECIMAL(v) / 100 for v in (-(10**15), 10**15, *range(8))], pa.decimal128(20, 2)
    )
    found["decimal wide"] = pa.array(
        [DECIMAL(v) / 100 for v in (-(10**15), 10**15, *range(8))], pa.decimal256(50, 2)
    )
    found["bool"] = pa.array([True, False] * 5)
    texts = ["", "a", "Größe", "a", "x" * 300, "\U0001f600", "line\nbreak", "nan", "NULL", ',"']
    found["string"] = pa.array(texts)
    found["large_string"] = pa.array(texts, pa.large_string())
    indices = pa.array([3, 1, 1, 0, 2, 3, 3, 1, 0, 1], pa.int8())
    found["category"] = pa.DictionaryArray.from_arrays(indices, pa.array(["z", "b", "a", "unused", "x"][:4]))
    found["ordered"] = pa.DictionaryArray.from_arrays(
        indices, pa.array(["low", "mid", "high", "top"]), ordered=True
    )
    found["number category"] = pa.DictionaryArray.from_arrays(
        indices.cast(pa.uint16()), pa.array([70, -3, 1, 5])
    )
    return found


ALL = pa.table(columns())
MASK = np.array([True, False, False, True, True, False, False, False, True, False])


def with_nulls(array):
    """The array with nulls at the start, in the middle, and where its NaN payload is not."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        indices = pa.array(np.asarray(array.indices), array.type.index_type, mask=MASK)
        return pa.DictionaryArray.from_arrays(indices, array.dictionary, ordered=array.type.ordered)
    return array.take(pa.array(np.arange(10), mask=MASK))


NULLS = pa.table({name: with_nulls(array) for name, array in zip(ALL.column_names, ALL.columns, strict=True)})
NULLS = NULLS.append_column("nothing", pa.nulls(10))
NULLS = NULLS.append_column("no text", pa.array([None] * 10, pa.string()))


def assert_same(got, expected):
    """Names, types, nulls, categories and every bit."""
    assert got.column_names == expected.column_names
    for name in expected.column_names:
        ours, theirs = got[name].combine_chunks(), expected[name].combine_chunks()
        assert ours.type == theirs.type, name
        assert np.array_equal(np.asarray(ours.is_valid()), np.asarray(theirs.is_valid())), name
        if pa.types.is_floating(ours.type):
            keep = np.asarray(theirs.is_valid())
            size = f"u{ours.type.bit_width // 8}"
            values = [
                np.frombuffer(a.buffers()[1], size, len(a), a.offset * int(size[1:])) for a in (ours, theirs)
            ]
            assert np.array_equal(values[0][keep], values[1][keep]), name
        elif pa.types.is_dictionary(ours.type):
            assert ours.type.ordered == theirs.type.ordered
            assert ours.dictionary.equals(theirs.dictionary), name
            assert ours.indices.equals(theirs.indices), name
        else:
            assert ours.equals(theirs), name
