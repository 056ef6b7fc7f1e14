"""A visit becomes what one can take away: a report, the data, a corrected digit's picture."""

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
from inkling.ui import views
from inkling.ui.live_reader import NoReader
from inkling.ui.session import Visit

CUT_MARGIN = 0.15  # of a glyph's longer side, left around it in a saved picture


def report(visit: Visit, reader: Reader | NoReader) -> dict | None:
    """Return one HTML page that needs no other file, on the present reading, as a download."""
    reading = reader.ask(Visit.reading, visit)
    if not reading.digits:
        return None
    folded = replace(visit, unfolded=False)
    glyphs = [
        reader.ask(Visit.findings, replace(folded, chosen=k)) for k in range(len(reading.digits))
    ]
    page = render(
        "takeaway.html",
        style=views.source("evidence.css"),
        made=datetime.now(UTC),
        answer=views.answer(reading),
        glyphs=[
            {
                "looks": views.original_html(one) + views.evidence_html(one),
                "ink": views.ink_url(one.reading.digits[one.chosen].glyph.ink),
                "bars": views.bars(one),
            }
            for one in glyphs
        ],
        description=reader.description,
        known=len(visit.lessons),
    )
    return {"name": f"{file_name(reading)}.html", "type": "text/html", "content": page}


def data(visit: Visit, reader: Reader | NoReader) -> dict | None:
    """Return the present reading as the endpoint gives it, as a download."""
    reading = reader.ask(Visit.reading, visit)
    if not reading.digits:
        return None
    content = json.dumps(reading.as_dict(), indent=1)
    return {"name": f"{file_name(reading)}.json", "type": "application/json", "content": content}


def file_name(reading: Reading) -> str:
    """Return the name of a download, which must have no `?` on Windows."""
    return f"inkling-{reading.text.replace(HOLE, '_') or 'none'}"


def save_correction(visit: Visit, digit: int | None, folder: Path) -> None:
    """Save the chosen glyph's part of the picture as `folder/digit/….png`.

    Nothing is saved of pixels that a hand has changed: the picture shows others.
    """
    if digit is None or visit.drawn is not None or not visit.by_network.digits:
        return
    _, _, content = visit.picture.data.partition("base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    unit = picture.width / visit.picture.size[0]
    left, top, right, bottom = visit.by_network.digits[visit.chosen].glyph.box
    margin = CUT_MARGIN * max(right - left, bottom - top)
    place = folder / str(digit)
    place.mkdir(parents=True, exist_ok=True)
    inside = (
        round(max(0, (left - margin) * unit)),
        round(max(0, (top - margin) * unit)),
        round(min(picture.width, (right + margin) * unit)),
        round(min(picture.height, (bottom + margin) * unit)),
    )
    picture.crop(inside).save(place / f"{uuid4().hex}.png")
