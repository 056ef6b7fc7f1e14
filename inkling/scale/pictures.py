"""Read many picture files with Ray Data: batches of paths go to readers on every core."""

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ray

from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

FILES_PER_BATCH = 256  # about a second's work


class FileReader:
    """Reads batches in a process of its own; loads its reader once."""

    def __init__(self, checkpoint: str):
        self.reader = Reader.load(Path(checkpoint))

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Read the files of a batch; pickle the readings, as Arrow stores bytes unchanged."""
        readings = [pickle.dumps(self.reader.read_file(Path(file))) for file in batch["file"]]
        return {"file": batch["file"], "reading": np.array(readings, object)}


def read_files(
    paths: list[Path], checkpoint: Path, ordered: bool
) -> Iterator[tuple[Path, Reading]]:
    """Yield paths with their readings, in the given order if `ordered`; `serving.join` first.

    All machines must have the files and the checkpoint under the same paths.
    """
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = ordered
    context.enable_progress_bars = False  # `predict.py` has its own
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    rows = [{"file": str(path)} for path in paths]
    files = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // FILES_PER_BATCH))
    read = files.map_batches(
        FileReader,
        fn_constructor_args=(str(checkpoint.resolve()),),
        batch_size=FILES_PER_BATCH,
        compute=ray.data.ActorPoolStrategy(size=cores),
        num_cpus=1,
    )
    for batch in read.iter_batches(batch_size=None):
        yield from zip(map(Path, batch["file"]), map(pickle.loads, batch["reading"]), strict=True)
