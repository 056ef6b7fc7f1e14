"""Build the downloads of a reading, and save corrected digits."""

import base64
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
from PIL import Image

from inkling.recognition.reading import HOLE, Reading
from inkling.ui import views
from inkling.ui.session import AnyReader, SessionState

SAVED_MARGIN_SHARE = 0.15  # of a glyph's longer side, around it in a saved picture; not tuned


def build_report(state: SessionState, reader: AnyReader) -> dict | None:
    """Return a self-contained HTML page about the present reading, as a download."""
    reading = reader.call(SessionState.reading, state)
    if not reading.digits:
        return None
    states = [replace(state, expanded=frozenset(), chosen=k) for k in range(len(reading.digits))]
    glyphs = [reader.call(SessionState.compute_findings, state) for state in states]
    page = views.render(
        "reading_report.html",
        style=views.read_static("evidence.css"),
        made=datetime.now(UTC),
        answer=views.summarize(reading),
        looks=(views.render_original, views.render_evidence),
        bars=views.build_bars,
        glyphs=glyphs,
        description=reader.description,
        correction_count=len(state.corrections),
    )
    return {"name": f"{name_download(reading)}.html", "type": "text/html", "content": page}


def build_json(state: SessionState, reader: AnyReader) -> dict | None:
    """Return the present reading in the endpoint's format, as a download."""
    reading = reader.call(SessionState.reading, state)
    if not reading.digits:
        return None
    name, content = name_download(reading), json.dumps(reading.as_dict(), indent=1)
    return {"name": f"{name}.json", "type": "application/json", "content": content}


def name_download(reading: Reading) -> str:
    """Return a file name without its suffix; Windows allows no `?` in it."""
    return f"inkling-{reading.text.replace(HOLE, '_') or 'none'}"


def save_correction(state: SessionState, digit: int | None, folder: Path) -> None:
    """Save the chosen glyph as `folder/digit/….png`, cropped from the picture, unless edited."""
    if digit is None or state.unedited is not None or not state.network_reading.digits:
        return
    _, _, content = state.picture.data.partition("base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    scale = picture.width / state.picture.size[0]
    left, top, right, bottom = state.network_reading.digits[state.chosen].glyph.box
    margin = SAVED_MARGIN_SHARE * max(right - left, bottom - top)
    edges = np.array([left - margin, top - margin, right + margin, bottom + margin]) * scale
    box = edges.clip(0, picture.size * 2).round().astype(int).tolist()
    (folder / str(digit)).mkdir(parents=True, exist_ok=True)
    picture.crop(box).save(folder / str(digit) / f"{uuid4().hex}.png")
