"""Readers on Ray Serve: each replica holds one network, and a page asks whichever is free.

A page whose readers are elsewhere does the talking to browsers and nothing else: what it would ask
of its own reader (`Reader.ask`) travels to a replica, and what was found out travels back.
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

import numpy as np
import ray
from PIL import Image
from ray import serve
from ray.exceptions import RayActorError, RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from inkling.imaging.mnist_frame import Glyph
from inkling.recognition.reader import Reader, Unreachable, as_picture
from inkling.recognition.reading import Reading

ROOT = Path(__file__).parents[2]
AT_ONCE = 2  # of one replica: the next question is there when one is answered
WAITING = 100  # questions of one page for which no replica is free; the next ones are told so
PATIENCE = 20.0  # seconds for an answer, whatever dies meanwhile
PAUSE = 0.05  # seconds before a question is asked again: so long it takes to learn of a death
HEALTH = 5.0  # seconds between looks at whether a replica is well, and until one is given up
BY_HANDLES = {"location": "NoServer"}  # pages ask so, and nobody else: there is no port to guard
# What goes to the nodes of a cluster with the code; the rest is not needed to read.
LEFT_OUT = [".git", ".venv", "venv", ".ci", "data/MNIST", "data/prepared", "data/hands", "docs"]
LEFT_OUT += ["tests", "bench", "support", "examples", "deploy", "**/__pycache__"]


class Readers:
    """One replica: a reader, and the one thread that it reads in."""

    def __init__(self, checkpoint: bytes):
        """Load a reader from the content of its checkpoint's file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "digits.safetensors"
            path.write_bytes(checkpoint)
            self.reader = Reader.load(path)
        self.thread = ThreadPoolExecutor(1)

    async def ask(self, function: Callable, values: tuple) -> Any:
        """Return what a function makes of values and the reader."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, self.reader.ask, function, *values)


class FarReader(Reader):
    """A reader whose work is done by replicas; what is known of the network is here as well."""

    def __init__(self, near: Reader, handle: DeploymentHandle):
        """Take a reader of the same checkpoint, and the way to the replicas."""
        self.model, self.description, self.gallery = near.model, near.description, near.gallery
        self.handle = handle

    def ask(self, function: Callable, *values: Any) -> Any:
        """Return `function(*values, reader)`, computed by a replica: another one if it dies.

        Raises `Unreachable` if there is none, or too much is asked of them, and whatever the
        function raises.
        """
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            try:
                return self.handle.ask.remote(function, values).result(timeout_s=left)
            except RayTaskError as error:
                raise error.cause from None
            except (BackPressureError, TimeoutError):
                break
            except (RayActorError, RayServeException, RayError):
                time.sleep(PAUSE)  # the replica or its node has died
        raise Unreachable

    def read(
        self, picture: Image.Image | np.ndarray, size: tuple[int, int] | None = None
    ) -> Reading:
        """Read one picture, as `Reader.read`."""
        return self.ask(read_picture, as_picture(picture), size)

    def read_glyphs(self, glyphs: list[Glyph], seen: tuple[str, ...] = ()) -> Reading:
        """Read glyphs that are found already, as `Reader.read_glyphs`."""
        return self.ask(read_found, glyphs, seen)


def read_picture(picture: Image.Image, size: tuple[int, int] | None, reader: Reader) -> Reading:
    """Have a reader read a picture."""
    return reader.read(picture, size)


def read_found(glyphs: list[Glyph], seen: tuple[str, ...], reader: Reader) -> Reading:
    """Have a reader read glyphs."""
    return reader.read_glyphs(glyphs, seen)


def connect(address: str) -> None:
    """Join the cluster of an address, or for "ray" the one of `RAY_ADDRESS`, or one of our own.

    Raises `ConnectionError` if none answers there.
    """
    if ray.is_initialized():
        return
    given = None if address == "ray" else address
    if given or os.environ.get("RAY_ADDRESS"):  # its other machines may have no code of ours
        code = {"working_dir": str(ROOT), "excludes": LEFT_OUT}
        ray.init(given, runtime_env=code, log_to_driver=False, logging_level=logging.ERROR)
        return
    os.environ.setdefault("RAY_worker_niceness", "0")  # else readers yield to all else
    ray.init(
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )


def load(path: Path) -> FarReader:
    """Read a checkpoint, have replicas read it as well, and return what asks them.

    Pages with the same checkpoint share replicas: from one to as many as the cluster has cores.
    Raises what `load_checkpoint` raises.
    """
    near = Reader.load(path)
    content = path.read_bytes()
    serve.start(http_options=BY_HANDLES)
    name = f"inkling-{hashlib.sha256(content).hexdigest()[:12]}"
    known = serve.status().applications.get(name)
    if known and known.status in ("RUNNING", "DEPLOYING"):
        return FarReader(near, serve.get_app_handle(name))
    return FarReader(near, deploy(name, content))


def deploy(name: str, checkpoint: bytes, most: int | None = None) -> DeploymentHandle:
    """Start replicas of a checkpoint's content, `most` of them or one a core; return their handle.

    With `most` there are that many from the beginning.
    """
    cores = most or max(1, int(ray.cluster_resources().get("CPU", 1)))
    replicas = serve.deployment(
        ray_actor_options={"num_cpus": 1},
        autoscaling_config={
            "min_replicas": most or 1,
            "max_replicas": cores,
            "target_ongoing_requests": AT_ONCE,
            "upscale_delay_s": 2,
        },
        max_ongoing_requests=AT_ONCE,
        max_queued_requests=WAITING,
        health_check_period_s=HEALTH,
        health_check_timeout_s=HEALTH,
        graceful_shutdown_timeout_s=HEALTH,
    )(Readers)
    serve.start(http_options=BY_HANDLES)
    return serve.run(replicas.bind(checkpoint), name=name, route_prefix=None)


def join(address: str) -> None:
    """Join the cluster of an address, as `connect`, or end the command in words."""
    try:
        connect(address)
    except (ConnectionError, RuntimeError, ValueError) as error:
        sys.exit(f"There is no Ray cluster at {address}: {str(error).splitlines()[0]}")
