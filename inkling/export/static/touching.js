// Cut a line into the digits of its transcript, where the digit network confirms them best, as
// `recognition/touching_digits.py` in Python.
import { removeSplinters } from "./frame.js";
import { byArea, clamp, crop, map, nearestly, range, raster, resize, roundEven, sum } from "./raster.js";
import { logProb } from "./reading.js";
import { cropSegment } from "./segments.js";
import settings from "./settings.js";

const { MAX_SEAM_HEIGHT, PLACES, SLOPES, STRAIGHT_COST, FREE_COST, SIDE_STEP_COST, MAX_CLEAR_INK, MAX_GLYPH_COST } = settings;

// Return the glyphs of a line that a transcript's digits, with these centers, fit best, or none.
export async function cutIntoDigits({ ink, box }, digits, centers, score) {
  const fill = (value) => [map(ink, () => value, Uint8Array)];
  const borders = [fill(1), ...centers.slice(1).map((after, k) => findCuts(ink, centers[k], after)), fill(0)];
  const pieces = [];
  for (const [k, befores] of borders.slice(0, -1).entries()) {
    const afters = borders[k + 1];
    const [first, end] = findColumns(befores, afters, ink.width);
    if (first === end) return []; // two digits in one place
    const near = [first, 0, end, ink.height];
    const part = crop(ink, near);
    const [rights, lefts] = [befores, afters].map((masks) => masks.map((mask) => crop(mask, near).data));
    for (const [a, before] of rights.entries())
      for (const [b, after] of lefts.entries()) {
        const kept = removeSplinters(map(part, (value, at) => (before[at] && !after[at] ? value : 0)));
        const piece = cropSegment(kept, box[0] + first, box[1]);
        if (piece) pieces.push({ k, a, b, piece });
      }
  }
  if (!pieces.length) return [];
  const glyphs = await score(pieces.map(({ piece }) => piece));
  let cheapest = new Map([[0, { cost: 0, path: [] }]]);
  for (const [k, digit] of digits.entries()) {
    const ends = new Map();
    pieces.forEach((piece, at) => {
      if (piece.k !== k || !cheapest.has(piece.a)) return;
      const { cost: before, path } = cheapest.get(piece.a);
      const cost = before + Math.min(MAX_GLYPH_COST, -logProb(glyphs[at], digit));
      if (!(cost >= ends.get(piece.b)?.cost)) ends.set(piece.b, { cost, path: [...path, glyphs[at]] });
    });
    cheapest = ends;
  }
  return cheapest.get(0)?.path ?? [];
}

// Return the columns, first and end, right of any of some cuts and left of any of others.
function findColumns(befores, afters, width) {
  let [first, end] = [0, 0];
  for (let x = 0; x < width; x++) {
    const isInside = befores.some((mask) => isInColumn(mask, x, 1)) && afters.some((mask) => isInColumn(mask, x, 0));
    if (isInside) [first, end] = [end ? first : x, x + 1];
  }
  return [first, end];
}
function isInColumn({ width, height, data }, x, value) {
  for (let y = 0; y < height; y++) if (data[y * width + x] === value) return true;
  return false;
}

// Return the mask to the right of each plausible cut between two columns of ink.
function findCuts(ink, before, after) {
  const scale = Math.min(1, MAX_SEAM_HEIGHT / ink.height);
  const [width, height] = [ink.width, ink.height].map((length) => Math.max(1, roundEven(length * scale)));
  const small = resize(ink, width, height, byArea);
  const first = Math.floor(clamp(before * scale, 0, width - 1));
  const end = Math.min(width, Math.max(first + 1, Math.trunc(after * scale) + 1));
  const between = crop(small, [first, 0, end, height]);
  const columns = between.width;
  const lines = [[FREE_COST, 0.5, 0], ...PLACES.flatMap((at) => SLOPES.map((slope) => [STRAIGHT_COST, at, slope]))];
  let seams = lines.map(([cost, at, slope]) =>
    findSeam(between, (x, y) => cost * Math.abs((columns > 1 ? x / (columns - 1) : 0) - at - (slope * (y - height / 2)) / columns)),
  );
  if (sum(seams[0].map((x, y) => between.data[y * columns + x])) < MAX_CLEAR_INK) seams = seams.slice(0, 1);
  const masks = [];
  for (const seam of seams) {
    const mask = range(width * height, (k) => +(k % width > first + seam[Math.floor(k / width)]));
    const isNew = (other) => mask.some((right, k) => small.data[k] > 0.1 && right !== other[k]);
    if (masks.every(isNew)) masks.push(mask);
  }
  return masks.map((mask) => map(resize(raster(width, height, Float32Array.from(mask)), ink.width, ink.height, nearestly), (v) => v, Uint8Array));
}

// Return the columns of the cheapest path from top to bottom: seam carving (Avidan and Shamir 2007).
function findSeam({ width, height, data }, priceAt) {
  const costs = range(width * height, (k) => data[k] + priceAt(k % width, Math.floor(k / width)));
  const steps = new Int8Array(costs.length);
  let total = costs.slice(0, width);
  for (let y = 1; y < height; y++)
    total = total.map((straight, x) => {
      let [cheapest, step] = [Infinity, 0];
      for (const [side, cost] of [[-1, total[x - 1] + SIDE_STEP_COST], [0, straight], [1, total[x + 1] + SIDE_STEP_COST]])
        if (cost < cheapest) [cheapest, step] = [cost, side];
      steps[y * width + x] = step;
      return costs[y * width + x] + cheapest;
    });
  const path = [total.indexOf(Math.min(...total))];
  for (let y = height - 1; y > 0; y--) path.unshift(path[0] + steps[y * width + path[0]]);
  return path;
}
