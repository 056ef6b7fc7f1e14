"""Templates become HTML or text: one Jinja environment, over each room's own `templates/`."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

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
