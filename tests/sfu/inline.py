"""Executors without threads, for tests in virtual time."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class Inline(Executor):
    """Does the work at once; `busy` keeps it until `release`."""

    def __init__(self) -> None:
        self.busy = False
        self._held: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._held.append((future, lambda: fn(*args, **kwargs)))
        if not self.busy:
            self.release()
        return future

    def release(self) -> None:
        held, self._held = self._held, []
        for future, work in held:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except Exception as error:
                    future.set_exception(error)
