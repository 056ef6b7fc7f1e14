"""Render Jinja templates; encode pictures as data URLs."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from PIL import Image

BUSY_MESSAGE = "Inkling is busy: try again in a few seconds."  # with HTTP 503, on page and server


def make_renderer(*folders: Path, filters: dict[str, Callable] | None = None) -> Callable[..., str]:
    """Return `render(template, **context)`, which escapes values for HTML."""
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters or {})
    return lambda template, /, **context: environment.get_template(template).render(context)


def to_data_url(picture: Image.Image, kind: str = "png") -> str:
    """Return a picture, encoded as `kind`, as a data URL."""
    file = io.BytesIO()
    picture.save(file, kind)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
