"""Many picture files become readings on Ray Data: batches of paths go to readers on every core."""

import logging
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import ray

from inkling.recognition.reader import Reader
from inkling.recognition.reading import Reading

BATCH = 256  # pictures that a reader is given at once: a second's work


class FileReader:
    """A reader in a process of its own, loaded once."""

    def __init__(self, checkpoint: str):
        """Load the reader of a checkpoint."""
        self.reader = Reader.load(Path(checkpoint))

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Read the files of a batch; its readings are bytes, which Arrow leaves as they are."""
        readings = [pickle.dumps(self.reader.read_file(Path(file))) for file in batch["file"]]
        return {"file": batch["file"], "reading": np.array(readings, object)}


def read_files(
    paths: list[Path], checkpoint: Path, ordered: bool
) -> Iterator[tuple[Path, Reading]]:
    """Yield paths with their readings, in the order given if `ordered`.

    Every machine of the cluster must see the files, and the checkpoint, under the same paths.
    The cluster must have been joined.
    """
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = ordered
    context.enable_progress_bars = False  # the command has its own
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    files = ray.data.from_items(
        [{"file": str(path)} for path in paths], override_num_blocks=-(-len(paths) // BATCH)
    )
    read = files.map_batches(
        FileReader,
        fn_constructor_args=(str(checkpoint.resolve()),),
        batch_size=BATCH,
        compute=ray.data.ActorPoolStrategy(size=cores),
        num_cpus=1,
    )
    for batch in read.iter_batches(batch_size=None):
        yield from zip(map(Path, batch["file"]), map(pickle.loads, batch["reading"]), strict=True)
