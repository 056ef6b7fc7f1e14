"""What the network holds for a glyph becomes what the page shows of its inside."""

from functools import lru_cache

import numpy as np

from inkling.explanation.activations import opened
from inkling.explanation.gallery import Gallery
from inkling.recognition.reader import Reader
from inkling.rendering import data_url, render
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.images import MAP_DIGIT_PX, MAP_SIDE_PX, draw_digit_map, draw_signed_map, encode_ink
from inkling.ui.session import Findings, parse_index
from inkling.ui.views import encode_base64, encode_pixels


def encode_layers(found: Findings) -> dict | None:
    """Return what each layer holds for the chosen glyph; None while that is folded away."""
    if found.inside is None:
        return None
    stages, features, scores, speaks = found.inside
    return {
        "ink": encode_pixels(found)["ink"],
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
        "speaks": encode_base64(127 * speaks / max(np.abs(speaks).max(), 1e-6), np.int8),
    }


def render_feature_map(reader: Reader | PlaceholderReader, told: object) -> str:
    """Return what a map of a layer looks for, told as "layer-map": its kernels, and digits."""
    gallery = Gallery.of(reader.gallery)
    if gallery is None or isinstance(reader, PlaceholderReader):
        return ""
    first, _, second = str(told).partition("-")
    layer = parse_index(first, len(reader.model.widths) - 1)
    number = None if layer is None else parse_index(second, reader.model.widths[layer])
    if layer is None or number is None:
        return ""
    found = opened(reader.model, layer, number, gallery.ink)
    kernels = [
        {"picture": data_url(draw_signed_map(kernel)), "source": source}
        for kernel, source in zip(found.kernels, found.sources or (None,), strict=True)
    ]
    digits = [
        {
            "picture": encode_ink(gallery.ink[k].numpy() / 255),
            "label": int(gallery.labels[k]),
            "box": box,
        }
        for k, box in zip(found.digits, found.boxes, strict=True)
    ]
    names = {"layer": layer + 1, "number": number + 1}
    return render("feature_map.html", **names, kernels=kernels, digits=digits)


@lru_cache(maxsize=2)
def render_map(gallery: Gallery | None) -> str:
    """Return the map of digit space."""
    return render("map.html", picture=data_url(draw_digit_map(gallery))) if gallery else ""


def render_neighbours(found: Findings) -> str:
    """Return the chosen glyph's place on the map, and its nearest digits; nothing while folded."""
    around = found.around
    if around is None:
        return ""
    ink = found.reading.digits[found.chosen].glyph.ink
    nearest = [
        {"picture": encode_ink(one.numpy() / 255), "label": label, "likeness": likeness}
        for one, label, likeness in zip(
            around.ink, around.labels.tolist(), around.likenesses.tolist(), strict=True
        )
    ]
    x, y = (
        (v * (MAP_SIDE_PX - MAP_DIGIT_PX) + MAP_DIGIT_PX / 2) / MAP_SIDE_PX for v in around.place
    )
    drawn = {"x": x, "y": y, "features": around.features, "picture": encode_ink(ink)}
    return render("neighbours.html", **drawn, nearest=nearest)
