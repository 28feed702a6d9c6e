"""Snapshots: everything an object holds, to the bits of its arrays, for a comparison later."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from rosenblatt import _core

PLAIN = (type(None), bool, int, complex, str, bytes, np.dtype)
BY_IDENTITY = (type, types.FunctionType, types.ModuleType)
COMPILED = tuple(each for each in vars(_core).values() if isinstance(each, type))


def snapshot(obj: Any, *, ignored: Collection[str] = ()) -> Any:
    """Return nested tuples that stay equal as long as nothing that `obj` holds changes.

    Parameters
    ----------
    obj
        Any object. Arrays count with their type, shape and bits, random generators with their
        state, objects of the core with their properties, and others with their attributes.
        Functions and classes count by identity.
    ignored
        Names of attributes that are left out, such as caches.
    """
    return _Walk(ignored).taken(obj)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield each path at which two snapshots differ, with what was there."""
    if before == after:
        return
    if _is_named(before) and _is_named(after):
        old, new = dict(before), dict(after)
        for name in old | new:
            if name not in old or name not in new:
                yield f"{path}.{name}: {'removed' if name in old else 'added'}"
            else:
                yield from differences(old[name], new[name], f"{path}.{name}")
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{i}]")
    else:
        yield f"{path}: {before!r:.100} became {after!r:.100}"


def assert_unchanged(before: Any, obj: Any, *, ignored: Collection[str] = ()) -> None:
    """Fail with the paths at which `obj` is no longer what its snapshot says."""
    found = list(differences(before, snapshot(obj, ignored=ignored)))
    assert not found, "\n".join(found[:10])


def _is_named(parts: Any) -> bool:
    return isinstance(parts, tuple) and all(
        isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str) for part in parts
    )


class _Walk:
    """One walk over an object and all that it refers to, each object being visited once."""

    def __init__(self, ignored: Collection[str]) -> None:
        self._ignored = ignored
        self._visited: dict[int, tuple[int, Any]] = {}

    def taken(self, obj: Any) -> Any:
        if isinstance(obj, float):  # by its bits: NaN is equal to NaN, and 0.0 is not -0.0
            return type(obj).__name__, "nan" if np.isnan(obj) else float(obj).hex()
        if isinstance(obj, PLAIN):
            return type(obj).__name__, obj
        if isinstance(obj, BY_IDENTITY):
            return type(obj).__name__, id(obj)
        if isinstance(obj, types.BuiltinFunctionType):  # a property may return a new one each time
            return "builtin", obj.__qualname__
        if id(obj) in self._visited:
            return "visited", self._visited[id(obj)][0]
        self._visited[id(obj)] = len(self._visited), obj  # kept, so that its id stays its own
        return type(obj).__name__, self._contents(obj)

    def _contents(self, obj: Any) -> Any:  # noqa: PLR0911 - one return for each kind of object
        if isinstance(obj, np.ndarray | np.generic):
            return self._array(np.asarray(obj))
        if isinstance(obj, np.random.RandomState):
            return self.taken(obj.get_state(legacy=False))
        if isinstance(obj, np.random.Generator):
            return self.taken(obj.bit_generator.state)
        if isinstance(obj, dict | types.MappingProxyType):
            return tuple((self.taken(key), self.taken(value)) for key, value in obj.items())
        if isinstance(obj, list | tuple):
            return tuple(self.taken(each) for each in obj)
        if isinstance(obj, set | frozenset):
            return tuple(sorted(repr(each) for each in obj))
        if isinstance(obj, types.MethodType):
            return self.taken(obj.__self__), obj.__func__.__qualname__
        if isinstance(obj, COMPILED):
            return self._named({name: getattr(obj, name) for name in _properties(obj)})
        slots = [name for cls in type(obj).__mro__ for name in getattr(cls, "__slots__", ())]
        held = {name: getattr(obj, name) for name in slots if hasattr(obj, name)}
        return self._named(held | getattr(obj, "__dict__", {}))

    def _array(self, array: Any) -> Any:
        if array.dtype == object:
            return "object", array.shape, tuple(self.taken(each) for each in array.flat)
        return str(array.dtype), array.shape, array.tobytes()

    def _named(self, held: dict[str, Any]) -> Any:
        kept = sorted(held.keys() - set(self._ignored))
        return tuple((name, self.taken(held[name])) for name in kept)


def _properties(obj: Any) -> list[str]:
    return [name for name, each in vars(type(obj)).items() if isinstance(each, property)]
