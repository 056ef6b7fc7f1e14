"""Templates and pictures become HTML: one Jinja environment, over each room's own `templates/`."""

import base64
import io
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from PIL import Image

ROOMS = ("ui", "evaluation", "server")  # that have templates, all of different names

TEMPLATES = Environment(
    loader=FileSystemLoader([Path(__file__).parent / room / "templates" for room in ROOMS]),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: object) -> str:
    """Fill in one of the templates; values are escaped for HTML."""
    return TEMPLATES.get_template(template).render(**values)


def data_url(picture: Image.Image, kind: str = "png") -> str:
    """Return a picture as a URL that holds it."""
    file = io.BytesIO()
    picture.save(file, kind)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
