"""Clients that never stop asking: what the tests of uninterrupted service stand on."""

from __future__ import annotations

import threading
from collections import Counter
from http.client import HTTPConnection, HTTPException


class Traffic:
    """Steady requests over kept connections, each answer counted."""

    def __init__(self, port: int) -> None:
        self.answers, self.failures = Counter[str](), list[str]()
        self._port, self._stopping = port, threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(3)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._stopping.wait(0.005):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read().decode()
                self.answers[body] += 1
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {body[:100]}")
            except (OSError, HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
