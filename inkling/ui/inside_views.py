"""Render the network's layers, cells, feature maps and neighbours of a glyph."""

from functools import lru_cache, partial

import numpy as np

from inkling.explanation.activations import find_top_digits
from inkling.explanation.cell_sum import Cell, GlyphSums
from inkling.explanation.gallery import Gallery
from inkling.recognition.reader import Reader
from inkling.rendering import to_data_url
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.event_payloads import parse_index, parse_numbers
from inkling.ui.images import MAP_DIGIT_PX, MAP_SIDE_PX, draw_digit_map
from inkling.ui.session import AnyReader, Findings, SessionState, ablate_reader
from inkling.ui.views import build_bars, encode_base64, encode_pixels, format_number, render
from model import INK_MEAN, INK_STD, LABEL_ERROR_RATE

CLASS_NAMES = [f"{kind} {k}" for kind in ("MNIST's", "a drawn") for k in range(10)]
CLASS_NAMES += ["no digit", "several digits"]


def encode_layers(findings: Findings) -> dict | None:
    """Return the chosen glyph's activations for `inside.js`; None while they are collapsed."""
    if findings.activations is None:
        return None
    stages, features, class_logits, scores, contributions = findings.activations
    shares = contributions / max(np.abs(contributions).max(), 1e-6)
    drawn = class_logits[10:20] > class_logits[:10]
    return {
        "ink": encode_pixels(findings)["ink"],
        "stages": [
            stage._asdict()
            | {"side": stage.maps.shape[1], "step": list(stage.step)}
            | {"maps": encode_base64(255 * stage.maps, np.uint8)}
            for stage in stages
        ],
        "features": encode_base64(255 * features / max(features.max(), 1e-6), np.uint8),
        "cells": [f"{len(stages) + 2}-{k + 10 * is_drawn}-0-0" for k, is_drawn in enumerate(drawn)],
        "scores": scores.tolist(),
        "contributions": encode_base64(127 * shares, np.int8),
    }


def render_decision(findings: Findings) -> str:
    """Return the steps from the class logits to the ten bars and the rejection."""
    decision, bars = findings.decision, build_bars(findings)
    if decision is None or findings.activations is None:
        return ""
    stage, rate = len(findings.activations.stages) + 2, 100 * LABEL_ERROR_RATE
    context = {"stage": stage, "rate": rate, "bars": bars, "number": format_number}
    return render("decision.html", decision=decision, **context)


def render_cell_sum(reader: AnyReader, state: SessionState, payload: object) -> str:
    """Return a cell's sum, its trail to the ink, and the digits that excite its map.

    The payload is `{"trail": ["stage-map-row-column", …], "at": 0, "exact": false}`.
    """
    digits, pick = state.network_reading.digits, payload if isinstance(payload, dict) else {}
    if isinstance(reader, PlaceholderReader) or not digits or "inside" not in state.expanded:
        return ""
    ink = digits[state.chosen].glyph.ink
    sums = GlyphSums(ablate_reader(reader, state.ablation).model, ink)
    trail = [Cell(*numbers) for numbers in parse_numbers(pick.get("trail")) if sums.has(*numbers)]
    at = parse_index(pick.get("at"), len(trail))
    if at is None:
        return ""
    trail += sums.follow(trail[-1])
    cell, exact = trail[at], bool(pick.get("exact"))
    computed = sums.write_out(cell) if cell.stage else None
    cells = [describe_cell(sums, step) for step in trail]
    page = render(
        "cell_sum.html",
        trail=cells,
        at=at,
        exact=exact,
        number=partial(format_number, exact=exact),
        ink=float(ink[cell.row, cell.column]),
        normalization=(INK_MEAN, INK_STD),
        computed=computed,
        sources=[describe_cell(sums, term.source) for term in computed.terms] if computed else [],
    )
    is_map, name = 0 < cell.stage < len(sums.blocks), cells[at]["name"].split(", row")[0]
    return page + (render_top_digits(reader, cell, name) if is_map else "")


def describe_cell(sums: GlyphSums, cell: Cell) -> dict:
    """Return a cell's name and value, and its map in base64, as `inside.js` shows maps."""
    _, number, row, column = cell
    place, behind = f"row {row + 1}, column {column + 1}", len(sums.blocks) - cell.stage
    name = f"Layer {cell.stage}, map {number + 1}, {place}" if cell.stage else f"Pixel, {place}"
    if behind < 2:
        name = f"Feature {number + 1}" if behind else f"Logit of {CLASS_NAMES[number]}"
    values = sums.stages[cell.stage].numpy()
    encoded = encode_base64(255 * values[number].clip(0) / max(values.max(), 1e-6), np.uint8)
    fields = {"name": name, "stage": cell.stage, "behind": behind, "map": encoded}
    return fields | {"id": "-".join(map(str, cell)), "value": float(values[cell[1:]])}


def render_top_digits(reader: Reader, cell: Cell, name: str) -> str:
    """Return the test digits that excite a cell's map most."""
    gallery = Gallery.from_tensors(reader.gallery)
    if gallery is None:
        return ""
    layer, number = cell.stage - 1, cell.map
    digits = [
        {"ink": gallery.ink[k].numpy() / 255, "label": int(gallery.labels[k]), "box": box}
        for k, box in find_top_digits(reader.model, layer, number, gallery.ink)
    ]
    return render("feature_map.html", name=name, part=f"{layer}-{number}", digits=digits)


def encode_switches(findings: Findings) -> dict | None:
    """Return what the answer loses without each map; None while the switches are collapsed."""
    (off, kept), margin = findings.state.ablation, findings.evidence
    if findings.part_costs is None or margin is None:
        return None
    drops, smallest = findings.part_costs
    return {
        "drops": [(layer.round(2) + 0).astype(str).tolist() for layer in drops],
        "off": [f"{layer}-{number}" for layer, number in off],
        "kept": kept,
        "smallest": smallest,
        "margin": f"{margin.margin:.2f} of {margin.answer} over {margin.rival}",
    }


@lru_cache(maxsize=2)
def render_map(reader: AnyReader) -> str:
    """Return the map of digits; nothing without a gallery."""
    gallery = Gallery.from_tensors(reader.gallery)
    return render("map.html", picture=to_data_url(draw_digit_map(gallery))) if gallery else ""


def render_neighbours(findings: Findings) -> str:
    """Return the chosen glyph's position on the map, and its nearest digits."""
    near, digit = findings.neighbourhood, findings.digit
    if near is None or digit is None:
        return ""
    inks = near.ink.numpy() / 255
    nearest = zip(inks, near.labels.tolist(), near.similarities.tolist(), strict=True)
    side = MAP_SIDE_PX - MAP_DIGIT_PX
    place = [(v * side + MAP_DIGIT_PX / 2) / MAP_SIDE_PX for v in near.place]
    context = {"place": place, "features": near.features, "nearest": nearest}
    return render("neighbours.html", ink=digit.glyph.ink, **context)
