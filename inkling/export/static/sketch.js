// Draw a pad's strokes as a gray picture, as `imaging/sketch.py` in Python, which gives the reasons.
import { raster, roundEven } from "./raster.js";
import settings from "./settings.js";

const { SKETCH_SIDE_PX, SUPERSAMPLING, CORNER_PX, CORNER_SHARES } = settings;

// Draw the pad's picture, SKETCH_SIDE_PX x SKETCH_SIDE_PX, from the strokes' points: SUPERSAMPLING times as
// large in two levels, then reduced. The canvas is not read, as some browsers forbid it.
export function drawSketch({ size, strokes }) {
  const side = SKETCH_SIDE_PX * SUPERSAMPLING;
  const paper = new Uint8Array(side * side);
  for (const { width, erases, points } of strokes) {
    const line = roundCorners(points.map((v) => (v * SKETCH_SIDE_PX) / size)).map(toLargePicture);
    const last = line.length - 2;
    const pen = (width * side) / size;
    // as wide as OpenCV draws: line widths in whole pixels, odd ones 1 px wider, with each pixel that the edge touches
    const drawLine = (from, to, wide) =>
      fillCapsule(paper, side, line.slice(from, from + 2), line.slice(to, to + 2), (wide + 1) / 2, erases ? 0 : 1);
    const whole = Math.max(1, roundEven(pen));
    for (let k = 0; k < last; k += 2) drawLine(k, k + 2, whole + (whole > 1 && whole % 2));
    drawLine(0, 0, pen);
    drawLine(last, last, pen);
  }
  return reduce(paper, side);
}

// Return the share of paper in each block of SUPERSAMPLING x SUPERSAMPLING pixels, in 255 steps.
function reduce(paper, side) {
  const ink = new Uint8Array(SKETCH_SIDE_PX * SKETCH_SIDE_PX);
  for (let y = 0; y < side; y++) {
    const row = paper.subarray(y * side, (y + 1) * side);
    const [start, last] = [Math.floor(y / SUPERSAMPLING) * SKETCH_SIDE_PX, row.lastIndexOf(1)];
    for (let x = last < 0 ? side : row.indexOf(1); x <= last; x++) ink[start + Math.floor(x / SUPERSAMPLING)] += row[x];
  }
  return raster(SKETCH_SIDE_PX, SKETCH_SIDE_PX, ink.map((count) => Math.round(255 * (1 - count / SUPERSAMPLING ** 2))));
}

// Convert a coordinate to the larger picture, 0 in a pixel's middle, as OpenCV: in sixteenths, halves up.
const toLargePicture = (v) => Math.round((v * SUPERSAMPLING - 0.5) * 16) / 16 + 1 / 64;

// Return the points of a stroke's line, [x, y, …], with rounded corners.
function roundCorners(points) {
  const line = points.slice(0, 2);
  for (let k = 2; k < points.length; k += 2) {
    const corner = points.slice(k, k + 2);
    const start = moveToward(corner, points.slice(k - 2, k));
    const end = k + 2 < points.length ? moveToward(corner, points.slice(k + 2, k + 4)) : corner;
    for (const t of CORNER_SHARES.flat(2))
      for (const axis of [0, 1])
        line.push((1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * corner[axis] + t ** 2 * end[axis]);
  }
  return line;
}

function moveToward([x, y], [toX, toY]) {
  const share = Math.min(0.5, CORNER_PX / Math.max(Math.hypot(toX - x, toY - y), 1e-6));
  return [x + (toX - x) * share, y + (toY - y) * share];
}

// Fill all pixels within a radius of the line between two points, row by row.
export function fillCapsule(paper, side, [x0, y0], [x1, y1], radius, value) {
  const dx = x1 - x0 || 1e-9; // not zero: a divisor
  const dy = y1 - y0 || 1e-9;
  const length = Math.hypot(dx, dy);
  const [acrossReach, alongReach] = [(radius * length) / Math.abs(dy), length ** 2 / 2 / Math.abs(dx)];
  const first = Math.max(0, Math.ceil(Math.min(y0, y1) - radius));
  const last = Math.min(side - 1, Math.floor(Math.max(y0, y1) + radius));
  for (let y = first; y <= last; y++) {
    const below = y - y0;
    const half = Math.sqrt(radius * radius - below * below); // half chord of the round end; NaN outside it
    const otherHalf = Math.sqrt(radius * radius - (y - y1) * (y - y1));
    // the rectangle between the ends: its sides, and its start and end
    const across = (below * dx) / dy;
    const along = (length ** 2 / 2 - below * dy) / dx;
    const from = Math.max(across - acrossReach, along - alongReach);
    const to = Math.min(across + acrossReach, along + alongReach);
    let left = from <= to ? x0 + from : Infinity;
    let right = from <= to ? x0 + to : -Infinity;
    if (half >= 0) [left, right] = [Math.min(left, x0 - half), Math.max(right, x0 + half)];
    if (otherHalf >= 0) [left, right] = [Math.min(left, x1 - otherHalf), Math.max(right, x1 + otherHalf)];
    [left, right] = [Math.max(0, Math.ceil(left)), Math.min(side - 1, Math.floor(right))];
    if (left <= right) paper.fill(value, y * side + left, y * side + right + 1);
  }
}
