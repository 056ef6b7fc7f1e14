"""Readers on Ray Serve: each replica holds one network, and a free replica takes each request.

The page's process then only serves browsers; `RemoteReader.call` calls functions in a replica.
"""

import asyncio
import hashlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray
from ray import serve
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from inkling.imaging.mnist_frame import Glyph
from inkling.recognition.reader import Picture, Reader, ReaderUnavailable, as_picture
from inkling.recognition.reading import Reading

RAY_WORKING_DIR = Path(__file__).parents[2]
REQUESTS_PER_REPLICA = 2  # one runs, and the next is already there
MAX_QUEUED_REQUESTS = 100  # of one page while no replica is free; further ones are rejected
REPLICA_TIMEOUT_S = 20.0  # for a result, retries included
REPLICA_RETRY_S = 0.05  # Ray needs about as long to notice that a replica died
HEALTH_CHECK_S = 5.0  # period and timeout of health checks
NO_HTTP = {"location": "NoServer"}  # pages call replicas by handle: no port is open
# Not sent to the nodes of a cluster: not needed to read.
EXCLUDED = [".git", ".venv", "venv", ".ci", "data/MNIST", "data/prepared", "data/hands", "docs"]
EXCLUDED += ["data/other_writers", "tests", "bench", "support", "examples", "deploy"]
EXCLUDED += ["**/__pycache__"]


class ReaderReplica:
    """One replica: a reader and the one thread that it runs in."""

    def __init__(self, checkpoint: bytes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "digits.safetensors"
            path.write_bytes(checkpoint)
            self.reader = Reader.load(path)
        self.thread = ThreadPoolExecutor(1)

    async def call(self, function: Callable, values: tuple) -> Any:
        """Return `function(*values, reader)`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, self.reader.call, function, *values)


class RemoteReader(Reader):
    """A reader whose calls run in replicas; it also holds the network and its description."""

    def __init__(self, local: Reader, handle: DeploymentHandle):
        self.model, self.description, self.gallery = local.model, local.description, local.gallery
        self.title, self.handle = "", handle

    def call(self, function: Callable, *values: Any) -> Any:
        """Return `function(*values, reader)`, computed by a replica: by another one if it dies.

        Raises `ReaderUnavailable` if all are busy or gone, and whatever the function raises.
        """
        end = time.monotonic() + REPLICA_TIMEOUT_S
        while (left := end - time.monotonic()) > 0:
            try:
                return self.handle.call.remote(function, values).result(timeout_s=left)
            except RayTaskError as error:
                raise error.cause from None
            except (BackPressureError, TimeoutError):
                break
            except (RayActorError, RayServeException, RayError):
                time.sleep(REPLICA_RETRY_S)  # the replica or its node has died
        raise ReaderUnavailable

    def read(self, picture: Picture, size: tuple[int, int] | None = None) -> Reading:
        """Read one picture, as `Reader.read`."""
        return self.call(call_method, "read", as_picture(picture), size)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read framed glyphs, as `Reader.read_glyphs`."""
        return self.call(call_method, "read_glyphs", glyphs, seen)


def call_method(name: str, *values: Any) -> Any:
    """Call a method of the reader, the last value, with the other values."""
    *arguments, reader = values
    return getattr(reader, name)(*arguments)


def join(address: str) -> None:
    """Connect to a cluster, for "ray" `RAY_ADDRESS` or a new local one; exit if there is none."""
    if ray.is_initialized():
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "ray" and not os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault("RAY_worker_niceness", "0")  # by default readers have a low priority
        options["runtime_env"] = {"env_vars": {"PYTHONPATH": str(RAY_WORKING_DIR)}}
        options["include_dashboard"] = False
    else:  # its machines may lack this code
        options["address"] = None if address == "ray" else address
        options["runtime_env"] = {"working_dir": str(RAY_WORKING_DIR), "excludes": EXCLUDED}
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        sys.exit(f"There is no Ray cluster at {address}: {str(error).splitlines()[0]}")


def load(path: Path) -> RemoteReader:
    """Load a checkpoint here and in replicas, which pages share; raises as `load_checkpoint`."""
    local = Reader.load(path)
    content = path.read_bytes()
    serve.start(http_options=NO_HTTP)
    name = f"inkling-{hashlib.sha256(content).hexdigest()[:12]}"
    known = serve.status().applications.get(name)
    if known and known.status in ("RUNNING", "DEPLOYING"):
        return RemoteReader(local, serve.get_app_handle(name))
    return RemoteReader(local, deploy(name, content))


def deploy(name: str, checkpoint: bytes, count: int | None = None) -> DeploymentHandle:
    """Start `count` replicas of a checkpoint, or as many as needed, up to one for each core."""
    max_count = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
    replicas = serve.deployment(
        ray_actor_options={"num_cpus": 1},
        autoscaling_config={
            "min_replicas": count or 1,
            "max_replicas": max_count,
            "target_ongoing_requests": REQUESTS_PER_REPLICA,
            "upscale_delay_s": 2,
        },
        max_ongoing_requests=REQUESTS_PER_REPLICA,
        max_queued_requests=MAX_QUEUED_REQUESTS,
        health_check_period_s=HEALTH_CHECK_S,
        health_check_timeout_s=HEALTH_CHECK_S,
        graceful_shutdown_timeout_s=HEALTH_CHECK_S,
    )(ReaderReplica)
    serve.start(http_options=NO_HTTP)
    return serve.run(replicas.bind(checkpoint), name=name, route_prefix=None)
