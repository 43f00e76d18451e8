"""Copies what containers of an engine write into files, as it comes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from docker.errors import DockerException
from requests.exceptions import RequestException

# The engine closes a log within moments of its container's end.
LAST_WORDS_SECONDS = 3.0
Source = Callable[[], Iterable[bytes]]


class Followers:
    """One thread for each log that is followed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[Path, threading.Thread] = {}

    def follow(self, source: Source, file: Path) -> None:
        """Begin to copy a log from where the file ends, unless that is being done."""
        with self._lock:
            if file not in self._threads:
                thread = threading.Thread(target=_copy, args=(source, file), name=f"log of {file.parent}", daemon=True)
                self._threads[file] = thread
                thread.start()

    def finish(self, file: Path) -> None:
        """Wait until the last words of an ended container are in the file."""
        thread = self._threads.get(file)
        if thread is not None:
            thread.join(LAST_WORDS_SECONDS)

    def forget(self, file: Path) -> None:
        """Remember a log no longer."""
        with self._lock:
            self._threads.pop(file, None)


def _copy(source: Source, file: Path) -> None:
    """The engine gives a log from its beginning; what an earlier process copied is passed over."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as written:
        known = written.tell()
        try:
            for chunk in source():
                fresh = chunk[known:]
                known = max(0, known - len(chunk))
                written.write(fresh)
                written.flush()
        except (DockerException, RequestException, OSError):
            return  # The engine or the container is gone, and with it the rest of the log.
