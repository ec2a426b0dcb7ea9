"""Children on the nodes of a Ray cluster (the extra ``emotionet[ray]``).

Invariants: CIDs in, CIDs out: content goes through the store that all nodes reach, never through Ray; a lost node or
task is ``Unavailable``, so that the queue tries again, from the last checkpoint in the store (or in the home's folder,
where the nodes share it); a driver that dies ends its tasks, and the worker that resumes the run starts them again.
Ray itself retries nothing: it knows nothing of leases.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from registry.core.errors import EmotionetError, Unavailable
from registry.jobs.child import error_document, failure, run_child
from registry.jobs.engines import Needs
from registry.jobs.engines.ray_probe import check_reachable

# What tells a node where the store lies and what computes. Secrets among them stay within the cluster.
_S3 = tuple(
    f"EMOTIONET_S3{one}" for one in ("", "_ENDPOINT", "_REGION", "_KEY", "_KEY_FILE", "_SECRET", "_SECRET_FILE")
)
_STORE = ("EMOTIONET_HOME", "EMOTIONET_IPFS_API", "EMOTIONET_IPFS_API_FILE", "EMOTIONET_GATEWAYS", *_S3)
_PASSED = (*_STORE, "EMOTIONET_DEVICE", "EMOTIONET_CHECKPOINT_SECONDS", "PYTHONPATH")
_STOP_SECONDS = 15.0
_POLL = 0.25


def on_node(
    kind: str, spec: Mapping[str, Any], folder: str, environment: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """A child's documents as they come, and at last ``{"result": ...}`` or its error. Runs on a node."""
    documents: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    over = threading.Event()

    def check() -> None:
        if over.is_set():
            raise Unavailable("the task was cancelled")

    def work() -> None:
        try:
            result = run_child(kind, spec, Path(folder), check, lambda one: documents.put(dict(one)), environment)
            documents.put({"result": result})
        except EmotionetError as error:
            documents.put(error_document(error))
        except BaseException as error:
            documents.put(error_document(EmotionetError(f"{type(error).__name__}: {error}")))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        last = False
        while not last:
            try:
                document = documents.get(timeout=_POLL)
            except queue.Empty:
                continue
            last = "result" in document or "error" in document
            yield document
    finally:
        over.set()  # a cancelled task ends its child
        thread.join()


class RayEngine:
    """A cluster, by its address; without one a cluster of this machine alone is started."""

    def __init__(self, address: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "5")  # seconds to try where a stranger answers, not 20
        try:
            import ray
        except ImportError as error:
            raise Unavailable("this engine needs Ray", code="no_ray", hint="pip install 'emotionet[ray]'.") from error
        self._ray = ray
        if not ray.is_initialized():
            if address:
                check_reachable(address)
            try:
                ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
            except (ConnectionError, RuntimeError, OSError) as error:
                raise Unavailable(f"the Ray cluster {address} can't be reached: {error}", code="no_ray") from error
        resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        self.shards = max(2, int(resources.get("CPU", 2)))
        self._task = ray.remote(num_returns="streaming", max_retries=0)(on_node)

    def run(
        self,
        kind: str,
        spec: Mapping[str, Any],
        folder: Path,
        needs: Needs,
        check: Callable[[], None],
        report: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        """Run it on the node that has room."""
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        gpus = 1 if kind == "fold" and passed.get("EMOTIONET_DEVICE") == "cuda" else 0
        task = self._task.options(num_cpus=needs.threads, num_gpus=gpus, memory=self._memory(needs, gpus) or None)
        documents = task.remote(kind, dict(spec), str(folder), passed)
        try:
            return self._follow(documents, check, report)
        except BaseException:
            self._stop(documents)
            raise

    def _memory(self, needs: Needs, gpus: int) -> int:
        """Bytes to ask Ray for: no more than the largest node that can do it has, or the task would wait for ever."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        able = [one for one in nodes if one.get("CPU", 0) >= needs.threads and one.get("GPU", 0) >= gpus]
        return min(needs.memory, max((int(one.get("memory", 0)) for one in able), default=0))

    def _follow(
        self, documents: Any, check: Callable[[], None], report: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        while True:
            check()
            try:
                if not self._ray.wait([documents], timeout=_POLL)[0]:
                    continue
                document = self._ray.get(next(documents))
            except StopIteration as error:
                raise Unavailable("the task ended without a result", code="task_lost") from error
            except self._ray.exceptions.RayError as error:
                said = str(error).strip().splitlines()
                raise Unavailable(f"the task was lost: {said[0] if said else error}", code="task_lost") from error
            if "error" in document:
                raise failure(document)
            if "result" in document:
                return dict(document["result"])
            report(document)

    def _stop(self, documents: Any) -> None:
        """Cancel, and wait until the child has ended: the next one takes its folder."""
        until = time.monotonic() + _STOP_SECONDS
        try:
            self._ray.cancel(documents, force=False)
            while time.monotonic() < until:
                if self._ray.wait([documents], timeout=_POLL)[0]:
                    self._ray.get(next(documents))
        except (StopIteration, self._ray.exceptions.RayError):
            return
