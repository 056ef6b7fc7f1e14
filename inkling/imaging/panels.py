"""Where in a picture there is paper of another brightness: a page, a board, a filled box.

A page on a table, a blackboard on a wall and a dark box in a form are all panels: large, shaped
like a box, and of the other of a picture's two brightnesses. Whether there is ink on them is not
asked here.
"""

from dataclasses import dataclass

import cv2
import numpy as np

PANEL = 0.06  # of the picture: the least that a panel covers
PANEL_SIDE = 24  # px
SOLID = 0.55  # of a panel: the least that is not ink
BOX_SHAPED = 0.9  # of the smallest box around it: the least that a panel covers; a disc has 0.79
RIM = 0.02  # of its length: what is left out along a panel's edge


@dataclass(frozen=True, eq=False)
class Panel:
    """Paper of its own in a picture."""

    outline: np.ndarray  # (K, 1, 2) int, x and y in px of the picture
    inside: np.ndarray  # (h, w) uint8, 1 within the panel's box where the panel is, but for its rim

    @property
    def place(self) -> tuple[slice, slice]:
        """The rows and columns of the panel's box."""
        left, top, width, height = cv2.boundingRect(self.outline)
        return slice(top, top + height), slice(left, left + width)

    def ends_within(self, shape: tuple[int, int]) -> bool:
        """Tell whether it ends within a picture of this (height, width), or goes on beyond it."""
        left, top, width, height = cv2.boundingRect(self.outline)
        return left > 1 and top > 1 and left + width < shape[1] - 1 and top + height < shape[0] - 1


def find_panels(mask: np.ndarray) -> list[Panel]:
    """Return what is shaped like a panel among the places (H, W) uint8 that are 1."""
    found = []
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        box = cv2.minAreaRect(outline)
        size = box[1][0] * box[1][1]
        if min(box[1]) < PANEL_SIDE or size < PANEL * mask.size:
            continue
        hull = cv2.convexHull(outline)
        area = cv2.contourArea(hull)
        if area < BOX_SHAPED * size or cv2.contourArea(outline) < BOX_SHAPED * area:
            continue
        left, top, width, height = cv2.boundingRect(hull)
        inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [hull - (left, top)], 1)
        if mask[top : top + height, left : left + width][inside > 0].mean() < SOLID:
            continue
        rim = max(3, round(RIM * max(inside.shape)))
        inside = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        inside = cv2.erode(inside, np.ones((2 * rim + 1,) * 2, np.uint8))[1:-1, 1:-1]
        if inside.any():
            found.append(Panel(hull, inside))
    return found


def outside(shape: tuple[int, int], panels: list[Panel]) -> np.ndarray:
    """Return 1 where no panel is, or near, in a picture of this (height, width): uint8."""
    around = cv2.fillPoly(np.ones(shape, np.uint8), [panel.outline for panel in panels], 0)
    return cv2.erode(around, np.ones((9, 9), np.uint8))


def within(shape: tuple[int, int], panels: list[Panel]) -> np.ndarray:
    """Return 1 where a panel is, but for its rim, in a picture of this (height, width): uint8."""
    inside = np.zeros(shape, np.uint8)
    for panel in panels:
        cv2.fillPoly(inside, [panel.outline], 1)
    rim = round(RIM * max(shape)) + 2
    return cv2.erode(inside, np.ones((2 * rim + 1,) * 2, np.uint8))


def spread(light: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the light (H, W) with what is not inside replaced by what is near."""
    reach = max(light.shape) / 6
    near = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), reach)
    mean = cv2.GaussianBlur(light * inside, (0, 0), reach) / near.clip(1e-4)
    return np.where(inside > 0, light, mean)
