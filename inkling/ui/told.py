"""What a browser tells of an event becomes what was picked or uploaded; none of it is trusted."""

from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from inkling.imaging.image_formats import UPLOAD_LIMIT
from inkling.imaging.open_image import PictureError
from inkling.ui.session import index

FOREIGN = "Only uploaded pictures are read."
UNSENT = "the picture could not be sent: try again in a moment."


def picked(event: gr.EventData, name: str = "pick") -> object:
    """Return what was picked, as the page says it; None if what came is not from the page."""
    try:
        return getattr(event, name)
    except (AttributeError, LookupError, TypeError):  # whatever a stranger's event holds
        return None


def uploaded(file: object) -> bytes | PictureError | None:
    """Return what an uploaded file holds, or why nothing; None if there is none any more.

    Raises `gr.Error` if it is not among the uploads.
    """
    if file is None:
        return None
    told = file if isinstance(file, dict) else {"path": "/"}
    if size := index(told.get("megabytes"), 100_000):
        limit = UPLOAD_LIMIT // 1_000_000
        return PictureError(f"the file has {size} MB, and the limit is {limit}: make it smaller.")
    if not told.get("path"):
        return PictureError(UNSENT)
    path = Path(told["path"]).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error(FOREIGN, print_exception=False)
    try:
        return path.read_bytes()
    except OSError:  # it is removed already
        return PictureError(UNSENT)
