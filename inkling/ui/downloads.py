"""A state becomes what one can take away: a report, the data, a corrected digit's picture."""

import base64
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from PIL import Image

from inkling.recognition.reader import Reader
from inkling.recognition.reading import HOLE, Reading
from inkling.rendering import render
from inkling.training.live_reader import PlaceholderReader
from inkling.ui import views
from inkling.ui.session import SessionState

CROP_MARGIN_SHARE = 0.15  # of a glyph's longer side, left around it in a saved picture


def build_report(state: SessionState, reader: Reader | PlaceholderReader) -> dict | None:
    """Return one HTML page that needs no other file, on the present reading, as a download."""
    reading = reader.ask(SessionState.reading, state)
    if not reading.digits:
        return None
    folded = replace(state, unfolded=False)
    glyphs = [
        reader.ask(SessionState.findings, replace(folded, chosen=k))
        for k in range(len(reading.digits))
    ]
    page = render(
        "reading_report.html",
        style=views.read_static("evidence.css"),
        made=datetime.now(UTC),
        answer=views.summarize(reading),
        glyphs=[
            {
                "looks": views.render_original(one) + views.render_evidence(one),
                "ink": views.encode_ink(one.reading.digits[one.chosen].glyph.ink),
                "bars": views.build_bars(one),
            }
            for one in glyphs
        ],
        description=reader.description,
        known=len(state.lessons),
    )
    return {"name": f"{name_download(reading)}.html", "type": "text/html", "content": page}


def build_json(state: SessionState, reader: Reader | PlaceholderReader) -> dict | None:
    """Return the present reading as the endpoint gives it, as a download."""
    reading = reader.ask(SessionState.reading, state)
    if not reading.digits:
        return None
    content = json.dumps(reading.as_dict(), indent=1)
    return {
        "name": f"{name_download(reading)}.json",
        "type": "application/json",
        "content": content,
    }


def name_download(reading: Reading) -> str:
    """Return the name of a download, which must have no `?` on Windows."""
    return f"inkling-{reading.text.replace(HOLE, '_') or 'none'}"


def save_correction(state: SessionState, digit: int | None, folder: Path) -> None:
    """Save the chosen glyph's part of the picture as `folder/digit/….png`.

    Nothing is saved of pixels that a hand has changed: the picture shows others.
    """
    if digit is None or state.drawn is not None or not state.network_reading.digits:
        return
    _, _, content = state.picture.data.partition("base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    unit = picture.width / state.picture.size[0]
    left, top, right, bottom = state.network_reading.digits[state.chosen].glyph.box
    margin = CROP_MARGIN_SHARE * max(right - left, bottom - top)
    place = folder / str(digit)
    place.mkdir(parents=True, exist_ok=True)
    inside = (
        round(max(0, (left - margin) * unit)),
        round(max(0, (top - margin) * unit)),
        round(min(picture.width, (right + margin) * unit)),
        round(min(picture.height, (bottom + margin) * unit)),
    )
    picture.crop(inside).save(place / f"{uuid4().hex}.png")
