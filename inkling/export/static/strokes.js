// Find the strokes and loops of framed ink, draw paths, and name them, as `explanation/strokes.py` in Python.
// Points are [y, x] in px of the frame; a mask has a number for each pixel, by rows.
import { fillCapsule } from "./sketch.js";
import settings from "./settings.js";

const { DIGIT, FRAME, MAX_BEND, MIN_LOOP_PX, MIN_SLOPE, PEN_LIMITS_PX, PEN_SCALE, REGIONS, STEP_PX, STROKE_EDGE } = settings;
const RING = [[-1, 0], [-1, 1], [0, 1], [1, 1], [1, 0], [1, -1], [0, -1], [-1, -1]]; // clockwise from the top
export const PIXELS = Array.from({ length: FRAME ** 2 }, (_, k) => [Math.floor(k / FRAME), k % FRAME]);
export const clip = (v, low, high) => Math.min(Math.max(v, low), high);
export const indexOf = ([y, x]) => clip(Math.round(y), 0, FRAME - 1) * FRAME + clip(Math.round(x), 0, FRAME - 1);
export const distance = ([y, x], [toY, toX]) => Math.hypot(y - toY, x - toX);
export const findLeast = (values) => values.reduce((at, v, k) => (v < values[at] ? k : at), 0);
export const extent = (points) => Math.max(...[0, 1].map((axis) => Math.max(...points.map((p) => p[axis])) - Math.min(...points.map((p) => p[axis]))));
const mean = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

const valueAt = (mask, y, x) => (y < 0 || x < 0 || y >= FRAME || x >= FRAME ? 0 : mask[y * FRAME + x]);
const findRing = (mask, k) => RING.map(([dy, dx]) => valueAt(mask, PIXELS[k][0] + dy, PIXELS[k][1] + dx));
const countRises = (ring) => ring.filter((v, k) => ring[(k + 1) % 8] > v).length;

function thin(mask) {
  const ink = Uint8Array.from(mask);
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const turn of [0, 4]) {
      const removed = [...ink.keys()].filter((k) => {
        if (!ink[k]) return false;
        const ring = findRing(ink, k);
        const [n, , e, , s, , w] = ring.map((_, i) => ring[(i + 8 - turn) % 8]);
        const count = ring.reduce((a, b) => a + b);
        return count >= 2 && count <= 6 && countRises(ring) === 1 && !(e & s & (n | w));
      });
      removed.forEach((k) => (ink[k] = 0));
      isChanged ||= removed.length > 0;
    }
  }
  return ink;
}

// Return a mask's connected parts, as lists of points; neighbours are every `step`th of the ring.
export function findParts(mask, step = 1) {
  const open = Uint8Array.from(mask);
  return PIXELS.filter((_, k) => mask[k]).flatMap((start) => {
    const part = open[indexOf(start)] ? [start] : [];
    if (part.length) open[indexOf(start)] = 0;
    for (const [y, x] of part) // it grows
      for (let n = 0; n < 8; n += step) {
        const [j, i] = [y + RING[n][0], x + RING[n][1]];
        if (!valueAt(open, j, i)) continue;
        open[j * FRAME + i] = 0;
        part.push([j, i]);
      }
    return part.length ? [part] : [];
  });
}
export function findLoops(ink) {
  const isAtEdge = (point) => point.some((v) => v === 0 || v === FRAME - 1);
  return findParts(ink.map((v) => +(v <= STROKE_EDGE)), 2).filter((loop) => loop.length >= MIN_LOOP_PX && !loop.some(isAtEdge));
}

export class Skeleton {
  constructor(ink) {
    const mask = Uint8Array.from(ink, (v) => +(v > STROKE_EDGE));
    const thinned = thin(mask);
    this.grid = thinned.includes(1) ? thinned : mask;
    this.points = PIXELS.filter((_, k) => this.grid[k]);
    this.penPx = clip(ink.reduce((a, b) => a + b) / (STEP_PX * this.points.length), ...PEN_LIMITS_PX);
    this.nearest = PIXELS.map((pixel) => this.points[findLeast(this.points.map((point) => distance(point, pixel)))]);
    this.branches = Array.from(this.grid, (v, k) => v && countRises(findRing(this.grid, k)));
  }
  snap = (point) => this.nearest[indexOf(point)];
  isEnd = (point) => this.branches[indexOf(point)] < 2;
  // Return the ink that belongs to a part of the skeleton.
  cover(part) {
    const inside = new Set(part.map(indexOf));
    return Float32Array.from(this.nearest, (point) => +inside.has(indexOf(point)));
  }
  // Return the stroke's pixels around a point, from one junction to the next.
  findBranch(point, radius) {
    const parts = findParts(this.grid.map((v, k) => v && this.branches[k] <= 2 && distance(PIXELS[k], point) <= radius));
    const gaps = parts.map((part) => Math.min(...part.map((pixel) => distance(pixel, point))));
    return parts.length ? parts[findLeast(gaps)] : [this.snap(point)];
  }
}

// Draw a path with a round pen: ink, PEN_SCALE times as large in two levels, then reduced.
export function drawPath(path, penPx) {
  const side = FRAME * PEN_SCALE;
  const canvas = new Uint8Array(side * side);
  const line = path.map(([y, x]) => [x, y].map((v) => (v + 0.5) * PEN_SCALE - 0.5));
  const radius = (Math.max(1, Math.round(penPx * PEN_SCALE)) + 1) / 2;
  line.forEach((point, k) => fillCapsule(canvas, side, line[Math.max(0, k - 1)], point, radius, 1));
  const ink = new Float32Array(FRAME ** 2);
  canvas.forEach((v, k) => v && (ink[Math.floor(k / side / PEN_SCALE) * FRAME + Math.floor((k % side) / PEN_SCALE)] += 1 / PEN_SCALE ** 2));
  return ink;
}

// Return top and left of the square of DIGIT px around framed ink.
export function findBoxCorner(ink) {
  const strokes = PIXELS.filter((_, k) => ink[k] > STROKE_EDGE);
  const ends = [0, 1].map((axis) => strokes.map((point) => point[axis]));
  return ends.map((along) => clip((Math.min(...along) + Math.max(...along) - DIGIT) / 2, -0.5, FRAME - DIGIT - 0.5));
}
export function findRegion(point, corner) {
  const [row, column] = point.map((v, axis) => clip(Math.floor(((v - corner[axis]) * 3) / DIGIT), 0, 2));
  return 3 * row + column;
}
export const namePlace = (points, ink) => REGIONS[findRegion(mean(points), findBoxCorner(ink))];

export function nameShape(points) {
  const middle = mean(points);
  const [a, b, c] = [[0, 0], [0, 1], [1, 1]].map(([i, j]) => points.reduce((sum, p) => sum + (p[i] - middle[i]) * (p[j] - middle[j]), 0));
  const root = Math.hypot((a - c) / 2, b);
  const [long, short] = [1, -1].map((sign) => Math.sqrt(Math.max(0, (a + c) / 2 + sign * root)));
  if (short > MAX_BEND * long) return "curve";
  const [y, x] = b ? [Math.abs(long ** 2 - c), Math.abs(b)] : [+(a >= c), +(a < c)];
  return x > MIN_SLOPE * y ? "bar" : y > MIN_SLOPE * x ? "stem" : "slanted line";
}
