"""What a browser tells of an event becomes what was asked or uploaded; none of it is trusted."""

from pathlib import Path
from typing import NamedTuple

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.exceptions import HTTPException

from inkling.imaging.image_formats import MAX_UPLOAD_BYTES
from inkling.imaging.open_image import PictureError
from inkling.ui.session import parse_index

NOT_UPLOADED = "Only uploaded pictures are read."
UPLOAD_FAILED = "the picture could not be sent: try again in a moment."
MAX_PAGE_REQUESTS = 10  # questions at once: a page's picture, and what was asked about it since


class Asked(NamedTuple):
    """What a page asks."""

    questions: list[tuple[str, object]]  # their names and values, in the order of asking
    known: bool = False  # whether the page thinks that its picture is known here
    unfolded: bool = False  # whether the inside of the network is in view
    number: int = 0  # the page's, of its questions so far; 0: it gives none


def asked(told: object) -> Asked:
    """Return what a page asks: a sketch is asked about as it is, as anything is that no page sends.

    Else it sends `{"questions": [[name, value], …], "known": true, "unfolded": false, "asked": 1}`.
    """
    if not isinstance(told, dict):
        return Asked([("sketch", told)])
    rows = told.get("questions", [("sketch", told)])
    rows = [row for row in rows if isinstance(row, list | tuple)] if isinstance(rows, list) else []
    questions = [(str(row[0]), row[1]) for row in rows[:MAX_PAGE_REQUESTS] if len(row) == 2]
    number = parse_index(told.get("asked"), 1_000_000) or 0
    return Asked(questions, bool(told.get("known")), bool(told.get("unfolded")), number)


def parse_pick(event: gr.EventData) -> object:
    """Return what was picked, as the page says it; None if what came is not from the page."""
    try:
        return event.pick
    except (AttributeError, LookupError, TypeError):  # whatever a stranger's event holds
        return None


def load_upload(file: object) -> bytes | PictureError | None:
    """Return what an uploaded file holds, or why nothing; None if there is none any more.

    Raises `HTTPException` if it is not among the uploads.
    """
    if file is None:
        return None
    told = file if isinstance(file, dict) else {"path": "/"}
    if size := parse_index(told.get("megabytes"), 100_000):
        limit = MAX_UPLOAD_BYTES // 1_000_000
        return PictureError(f"the file has {size} MB, and the limit is {limit}: make it smaller.")
    if "path" not in told:
        return PictureError(UPLOAD_FAILED)
    try:
        path = Path(told["path"]).resolve()
    except (TypeError, ValueError, OSError) as error:
        raise HTTPException(400, NOT_UPLOADED) from error
    if not path.is_relative_to(Path(get_upload_folder()).resolve()):
        raise HTTPException(400, NOT_UPLOADED)
    try:
        return path.read_bytes()
    except OSError:  # it is removed already
        return PictureError(UPLOAD_FAILED)
