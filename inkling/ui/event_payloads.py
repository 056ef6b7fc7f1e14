"""Parse untrusted payloads from the browser: page requests, picks, uploads, pixels."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from starlette.exceptions import HTTPException

from inkling.explanation.ablation import WHOLE, Ablation
from inkling.imaging.image_formats import MAX_UPLOAD_BYTES
from inkling.imaging.mnist_frame import FRAME
from inkling.imaging.open_image import PictureError

NOT_UPLOADED = "Only uploaded pictures are read."
UPLOAD_FAILED = "the picture could not be sent: try again in a moment."
SECTIONS = frozenset(("inside", "switches", "steps"))  # that are computed only while expanded
MAX_KEY_CHARS = 64  # of a network's key
MAX_ACTIONS = 10  # actions a request: the page sends at most 9 to restore a lost session


class PageRequest(NamedTuple):
    """One request of the page."""

    actions: list[tuple[str, object]]  # names and values, in the order in which they happened
    session_known: bool = False  # whether the page expects its picture in this session
    request_id: int = 0  # counts the page's requests; 0: unknown
    expanded: frozenset[str] = frozenset()  # `SECTIONS` in view
    ablation: object = None  # for `parse_ablation`
    network: str = ""  # key, for `LiveReader.find_reader`


def parse_page_request(payload: object) -> PageRequest:
    """Parse a page's request; anything but a dictionary is a sketch by itself.

    A page sends `{"actions": [[name, value], …], "session_known": true, "request_id": 1,
    "expanded": "inside switches", "ablation": {"off": ["0-47"], "kept": 100}, "network": ""}`.
    """
    if not isinstance(payload, dict):
        return PageRequest([("sketch", payload)])
    rows = payload.get("actions", [("sketch", payload)])
    rows = [row for row in rows if isinstance(row, list | tuple)] if isinstance(rows, list) else []
    actions = [(str(row[0]), row[1]) for row in rows[:MAX_ACTIONS] if len(row) == 2]
    request_id = parse_index(payload.get("request_id"), 1_000_000) or 0
    expanded = SECTIONS.intersection(str(payload.get("expanded")).split())
    known, ablation = bool(payload.get("session_known")), payload.get("ablation")
    network = str(payload.get("network", ""))[:MAX_KEY_CHARS]
    return PageRequest(actions, known, request_id, expanded, ablation, network)


def parse_ablation(payload: object, widths: Sequence[int]) -> Ablation:
    """Return what is switched off of a network's maps, which a page names "layer-map", from 0."""
    match payload:
        case {"off": list(off), "kept": int(kept)}:
            maps = ((layer, k) for layer, width in enumerate(widths) for k in range(width))
            names = {*map(str, off[: sum(widths)])}
            is_off = frozenset(part for part in maps if f"{part[0]}-{part[1]}" in names)
            return Ablation(is_off, min(max(kept, 0), 100))
    return WHOLE


def parse_pick(event: object) -> object:
    """Return the value of a pick event; None if the event has none."""
    try:
        return event.pick  # type: ignore[attr-defined]
    except (AttributeError, LookupError, TypeError):  # raised by Gradio for malformed event data
        return None


def load_upload(file: object, folder: Path) -> bytes | PictureError | None:
    """Return the content of an upload in `folder`, or why there is none; None for no file."""
    if file is None:
        return None
    payload = file if isinstance(file, dict) else {"path": "/"}
    if size := parse_index(payload.get("megabytes"), 100_000):
        limit = MAX_UPLOAD_BYTES // 1_000_000
        return PictureError(f"the file has {size} MB, and the limit is {limit}: make it smaller.")
    if "path" not in payload:
        return PictureError(UPLOAD_FAILED)
    try:
        return find_upload(payload, folder).read_bytes()
    except OSError:  # already removed
        return PictureError(UPLOAD_FAILED)


def find_upload(file: object, folder: Path) -> Path:
    """Return the path of an upload in `folder`; raises `HTTPException` for files elsewhere."""
    try:
        path = Path(file["path"]).resolve()  # type: ignore[index]
        path.relative_to(folder.resolve())
    except (TypeError, LookupError, ValueError, OSError) as error:
        raise HTTPException(400, NOT_UPLOADED) from error
    return path


def decode_ink(payload: object) -> np.ndarray | None:
    """Return ink (28, 28), float32, 0 to 1, from base64 of one byte a pixel; None if invalid."""
    try:
        pixels = np.frombuffer(base64.b64decode(str(payload), validate=True), np.uint8)
        return pixels.reshape(FRAME, FRAME).astype(np.float32) / 255
    except ValueError:
        return None


def parse_index(payload: object, count: int) -> int | None:
    """Return the payload as an index below `count`; None if it is none."""
    text = str(payload)
    return int(text) if re.fullmatch("[0-9]{1,6}", text) and int(text) < count else None


def parse_numbers(payload: object) -> list[list[int]]:
    """Return the numbers in each text of a list: of at most `MAX_ACTIONS`."""
    texts = map(str, payload[:MAX_ACTIONS]) if isinstance(payload, list) else ()
    return [[*map(int, re.findall("[0-9]{1,4}", text))] for text in texts]
