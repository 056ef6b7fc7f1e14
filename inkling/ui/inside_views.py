"""Render the network's layers, feature maps and neighbours of a glyph."""

from functools import lru_cache

import numpy as np

from inkling.explanation.activations import inspect_feature_map
from inkling.explanation.gallery import Gallery
from inkling.rendering import to_data_url
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.event_payloads import parse_index
from inkling.ui.images import MAP_DIGIT_PX, MAP_SIDE_PX, draw_digit_map, draw_signed_map
from inkling.ui.session import AnyReader, Findings
from inkling.ui.views import encode_base64, encode_pixels, render


def encode_layers(findings: Findings) -> dict | None:
    """Return the chosen glyph's activations for `inside.js`; None while they are collapsed."""
    if findings.activations is None:
        return None
    stages, features, scores, contributions = findings.activations
    return {
        "ink": encode_pixels(findings)["ink"],
        "stages": [
            {
                "side": stage.maps.shape[1],
                "step": list(stage.step),
                "shown": list(stage.shown),
                "total": stage.total,
                "maps": encode_base64(255 * stage.maps, np.uint8),
            }
            for stage in stages
        ],
        "features": encode_base64(255 * features / max(features.max(), 1e-6), np.uint8),
        "scores": scores.tolist(),
        "contributions": encode_base64(
            127 * contributions / max(np.abs(contributions).max(), 1e-6), np.int8
        ),
    }


def render_feature_map(reader: AnyReader, payload: object) -> str:
    """Return the kernels and top digits of a feature map; the payload is "layer-map"."""
    gallery = Gallery.from_tensors(reader.gallery)
    if gallery is None or isinstance(reader, PlaceholderReader):
        return ""
    first, _, second = str(payload).partition("-")
    layer = parse_index(first, len(reader.model.widths) - 1)
    number = None if layer is None else parse_index(second, reader.model.widths[layer])
    if layer is None or number is None:
        return ""
    details = inspect_feature_map(reader.model, layer, number, gallery.ink)
    kernels = [
        {"picture": to_data_url(draw_signed_map(kernel)), "source": source}
        for kernel, source in zip(details.kernels, details.sources or (None,), strict=True)
    ]
    digits = [
        {"ink": gallery.ink[k].numpy() / 255, "label": int(gallery.labels[k]), "box": box}
        for k, box in zip(details.digits, details.boxes, strict=True)
    ]
    names = {"layer": layer + 1, "number": number + 1}
    return render("feature_map.html", **names, kernels=kernels, digits=digits)


@lru_cache(maxsize=2)
def render_map(gallery: Gallery | None) -> str:
    """Return the map of digits."""
    if not gallery:
        return ""
    return render("map.html", picture=to_data_url(draw_digit_map(gallery)))


def render_neighbours(findings: Findings) -> str:
    """Return the chosen glyph's position on the map, and its nearest digits."""
    near = findings.neighbourhood
    if near is None:
        return ""
    digits = zip(near.ink, near.labels.tolist(), near.similarities.tolist(), strict=True)
    side = MAP_SIDE_PX - MAP_DIGIT_PX
    x, y = ((v * side + MAP_DIGIT_PX / 2) / MAP_SIDE_PX for v in near.place)
    return render(
        "neighbours.html",
        x=x,
        y=y,
        features=near.features,
        ink=findings.reading.digits[findings.chosen].glyph.ink,
        nearest=[(ink.numpy() / 255, label, similarity) for ink, label, similarity in digits],
    )
