"""Takes Parquet columns apart into Python values, a batch at a time.

Columns come out as lists through the buffer protocol: that needs no numpy, and a list of
plain integers is some twenty times as fast to make as one through Arrow's scalars.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.records import Place, Progress
from ledger.errors import InputInvalid

_BATCH_ROWS = 1 << 17
_CODES = {"int8": "b", "int16": "h", "int32": "i", "uint32": "I", "int64": "q"}
# Far above any amount a receipt may hold, and still exact in a double.
_LARGEST = 1e15


def arrow(name: str = "pyarrow") -> Any:
    """Import the Arrow library or a module of it, only when a table is read.

    Raises:
        ImportError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        msg = "reading and writing Parquet needs pyarrow: pip install 'loyalty-ledger[data]'"
        raise ImportError(msg) from error


def rows(path: Path) -> int:
    """How many rows a file has, from its footer."""
    return int(_file(path).metadata.num_rows)


def columns(path: Path) -> tuple[str, ...]:
    """The names of a file's columns."""
    return tuple(_file(path).schema_arrow.names)


def dicts(
    path: Path, names: tuple[str, ...], progress: Progress | None = None
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield each row of a small file as values by column, with its place.

    Raises:
        InputInvalid: it is not a whole Parquet file, or a column is missing.
    """
    row = 1
    for batch in batches(path, names):
        for values in zip(*map(_values, batch.columns), strict=True):
            yield Place(str(path), row, 0, 0), dict(zip(batch.schema.names, values, strict=True))
            row += 1
        if progress:
            progress(len(batch))


def _values(column: Any) -> list[Any]:
    """The values of a column; what Python has no value for is a list, which no field takes."""
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_value(one) for one in column]


def _value(scalar: Any) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return []


def batches(path: Path, columns: tuple[str, ...]) -> Iterator[Any]:
    """Yield the file's record batches with these columns.

    Raises:
        InputInvalid: it is not a whole Parquet file, or a column is missing.
    """
    file = _file(path)
    missing = [name for name in columns if name not in file.schema_arrow.names]
    if missing:
        msg = f"{path} has no column {', '.join(missing)}"
        raise InputInvalid(msg)
    try:
        yield from file.iter_batches(_BATCH_ROWS, columns=list(columns))
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise InputInvalid(msg) from error


def _file(path: Path) -> Any:
    parquet = arrow("pyarrow.parquet")
    try:
        return parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise InputInvalid(msg) from error


def lookup(path: Path, key: str, value: str) -> dict[str, str]:
    """One column of a small file by another, empty where there is no value."""
    found: dict[str, str] = {}
    for batch in batches(path, (key, value)):
        found.update(zip(texts(batch[key]), texts(batch[value]), strict=True))
    return {one: other or "" for one, other in found.items()}


def texts(column: Any) -> list[Any]:
    """Turn a column into strings, each string of a dictionary made once."""
    pa = arrow()
    if not pa.types.is_dictionary(column.type):
        column = cast(column, "string").dictionary_encode()
    words = [*column.dictionary.to_pylist(), None]
    return [words[i] for i in ints(column.indices.fill_null(len(words) - 1))]


def cast(column: Any, *types: str) -> Any:
    """Read a column as a type, by way of the others before it.

    Raises:
        InputInvalid: its values are not of such a type.
    """
    try:
        for one in types:
            column = column.cast(one)
    except (ValueError, NotImplementedError) as error:
        msg = f"a column of {column.type} is not {types[-1]}: {error}"
        raise InputInvalid(msg) from error
    return column


def ints(column: Any, *types: str) -> list[Any]:
    """Turn a column into integers, None for null, cast by way of these types."""
    column = cast(column, *types)
    if column.null_count:
        return list(column.to_pylist())
    code = _CODES[str(column.type)]
    whole: Any = memoryview(column.buffers()[1])
    part = whole.cast("B").cast(code)[column.offset : column.offset + len(column)]
    values: list[Any] = part.tolist()
    return values


def minor(column: Any) -> list[Any]:
    """Make sums of money whole minor units at once; None for what is no number."""
    pa, pc = arrow(), arrow("pyarrow.compute")
    cents = pc.round(pc.multiply(cast(column, "double"), 100.0))
    usable = pc.less_equal(pc.abs(cents), _LARGEST)  # false for NaN
    return ints(pc.if_else(usable, cents, pa.scalar(None, pa.float64())), "int64")
