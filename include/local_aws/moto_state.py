"""Keeps what moto holds in memory, so that killing the process loses nothing that was answered.

After every call that may change state the backends of its service are pickled into the store before the reply is
sent. A tear is possible only in what a call still under way has done, for which nobody was promised anything.
"""

from __future__ import annotations

import _thread
import importlib
import io
import itertools
import marshal
import pickle
import threading
import types
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.models import FakeKey, s3_backends

from local_aws.s3_bodies import S3Bodies, body_files
from local_aws.store import Store

Place = tuple[str, str, str]

# What else a call to one service may change, by moto's names.
_ALSO = {
    "s3": ("sqs", "sns"),
    "sns": ("sqs",),
    "secretsmanager": ("kms",),
    "ssm": ("kms", "secretsmanager"),
}
# moto keeps what is global, such as IAM and S3, in a region of this name.
_GLOBAL = "aws"
_ATTEMPTS = 50


def _place(backend: BaseBackend) -> Place:
    """moto's name of the service, account, region."""
    return type(backend).__module__.split(".")[1], backend.account_id, backend.region_name


def _backends() -> Iterator[BaseBackend]:
    """Every backend that exists, whoever created it."""
    every: Any = BackendDict
    for of_service in list(every._instances):
        for of_account in list(of_service.values()):
            yield from list(of_account.values())


def _backend_at(place: Place) -> BaseBackend:
    service, account, region = place
    return get_backend(service)[account][region]  # type: ignore[call-overload, no-any-return]


def _touched(place: Place, service: str, region: str) -> bool:
    return place[0] == service and place[2] in (region, _GLOBAL)


def _rebuilt_function(module: str, code: bytes, name: str, defaults: tuple[Any, ...] | None) -> Any:
    """A function defined inside another one, as moto gives to its defaultdicts."""
    scope = vars(importlib.import_module(module))
    return types.FunctionType(marshal.loads(code), scope, name, defaults)  # noqa: S302


def _rebuilt_defaultdict(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    """A defaultdict of a subclass whose constructor wants more than its contents."""
    rebuilt = kind.__new__(kind)
    rebuilt.default_factory = factory
    return rebuilt


class UnreadableStateError(Exception):
    """The state was written by another version, or is damaged."""


class _Pickler(pickle.Pickler):
    """Pickles one backend's attributes; other backends by name, locks anew, S3 bodies by file."""

    def __init__(self, file: io.BytesIO, bodies: S3Bodies) -> None:
        super().__init__(file, protocol=5)
        self._bodies = bodies

    def persistent_id(self, value: Any) -> Place | None:
        return _place(value) if isinstance(value, BaseBackend) else None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, threading.Condition):
            return threading.Condition, ()
        if isinstance(value, _thread.RLock):
            return threading.RLock, ()
        if isinstance(value, _thread.LockType):
            return threading.Lock, ()
        if isinstance(value, types.FunctionType) and "<locals>" in value.__qualname__:
            code = marshal.dumps(value.__code__)
            return _rebuilt_function, (value.__module__, code, value.__name__, value.__defaults__)
        if isinstance(value, defaultdict) and type(value) is not defaultdict:
            items = iter(list(value.items()))
            return _rebuilt_defaultdict, (type(value), value.default_factory), vars(value), None, items
        if isinstance(value, FakeKey):
            return self._bodies.reduced(value)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, place: Place) -> BaseBackend:
        return _backend_at(place)


class MotoState:
    """Snapshots of moto's backends in the store."""

    def __init__(self, store: Store, state_dir: Path) -> None:
        self._store = store
        self._bodies = S3Bodies(state_dir / "s3")
        self._ticks = itertools.count(1)
        self._locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
        self._saved_at: dict[tuple[str, str], int] = {}
        self._saved: set[Place] = set()

    def restore(self) -> None:
        """Put moto's backends back as they were when last saved.

        Raises UnreadableStateError.
        """
        try:
            self._restore()
        except Exception as error:
            raise UnreadableStateError(repr(error)) from error

    def _restore(self) -> None:
        for name, snapshot in self._store.snapshots().items():
            service, account, region = name.split("/")
            place = (service, account, region)
            # In place, because a backend restored earlier may already refer to this one.
            vars(_backend_at(place)).update(_Unpickler(io.BytesIO(snapshot)).load())
            self._saved.add(place)
        for _, _, backend in s3_backends.iter_backends():
            for bucket in vars(backend)["buckets"].values():
                s3_backends.bucket_accounts[bucket.name] = (bucket.partition, bucket.account_id)
        self._bodies.sweep(body_files())

    def save(self, service: str, region: str) -> None:
        """Commit what a finished call to a service (moto's name) of a region may have changed."""
        for touched in (service, *_ALSO.get(service, ())):
            self._save(touched, region)

    def save_new(self) -> None:
        """Commit backends that came to life by a read: their default VPC and keys have random names."""
        for service, _, region in {_place(backend) for backend in _backends()} - self._saved:
            self._save(service, region)

    def _save(self, service: str, region: str) -> None:
        asked_at = next(self._ticks)
        with self._locks[service, region]:
            # A snapshot begun after this call had finished holds it already: many calls share one snapshot.
            if self._saved_at.get((service, region), 0) > asked_at:
                return
            begun_at = next(self._ticks)
            touched = {place: backend for backend in _backends() if _touched(place := _place(backend), service, region)}
            snapshots = {"/".join(place): self._snapshot(backend) for place, backend in touched.items()}
            self._store.put_snapshots(snapshots)
            self._saved |= set(touched)
            self._saved_at[service, region] = begun_at

    def _snapshot(self, backend: BaseBackend) -> bytes:
        for attempt in itertools.count(1):
            file = io.BytesIO()
            try:
                _Pickler(file, self._bodies).dump(dict(vars(backend)))
                return file.getvalue()
            except RuntimeError:
                # Another call changed a dictionary while it was read.
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")
