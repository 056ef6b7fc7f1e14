// Erase lines under a number, as `imaging/underline.py` in Python.
import { findInkBox } from "./frame.js";
import { cleanInk } from "./ink.js";
import { findComponents, map, median } from "./raster.js";
import settings from "./settings.js";

const { MIN_UNDERLINED_ASPECT, MIN_UNDERLINED_PARTS, MIN_LINE_LENGTH, MAX_LINE_GAP, MAX_LINE_BEND } = settings;
const { MAX_LINE_THICKNESS, LINE_EDGE_PX, MAX_UNDERLINES } = settings;

// Return ink without straight lines under several parts of it, or null if there are none.
export function eraseUnderlines(ink) {
  let { mask } = ink;
  for (let k = 0; k < MAX_UNDERLINES; k++) mask = eraseLine(mask) ?? mask;
  if (mask === ink.mask || !findInkBox(mask, 0)) return null;
  const isAbove = new Uint8Array(mask.data);
  for (let k = isAbove.length - 1 - mask.width; k >= 0; k--) isAbove[k] ||= isAbove[k + mask.width];
  const coverage = map(ink.coverage, (value, k) => (isAbove[k] ? value : 0));
  const erased = cleanInk({ ...ink, coverage, mask, notes: [...ink.notes, "underline ignored"] });
  return erased && findComponents(erased.mask).parts.length >= MIN_UNDERLINED_PARTS ? erased : null;
}

// Return a mask without the line at which most of its columns end, or null if there is none.
function eraseLine(mask) {
  const box = findInkBox(mask, 0);
  const columns = box ? findRuns(mask, box) : [];
  const [width, tall] = columns.length > 1 ? [columns.at(-1).x - columns[0].x, box[3] - box[1] - 1] : [0, 1];
  if (width < MIN_UNDERLINED_ASPECT * tall) return null;
  const half = columns.length >> 1;
  const pairs = columns.slice(half).map((column, k) => [columns[k], column]);
  const slope = median(Float64Array.from(pairs, ([a, b]) => (b.end - a.end) / (b.x - a.x)));
  const start = median(Float64Array.from(columns, ({ x, end }) => end - slope * x));
  const line = columns.filter(({ x, end }) => Math.abs(end - slope * x - start) <= 1 + MAX_LINE_BEND * width);
  if (line.length < MIN_LINE_LENGTH * width) return null;
  let [length, first] = [0, 0];
  line.forEach(({ x }, k) => {
    if (k && x - line[k - 1].x > 1 + MAX_LINE_GAP * width) first = k;
    length = Math.max(length, x - line[first].x);
  });
  const thickness = median(Float64Array.from(line, ({ run }) => run));
  if (length < MIN_LINE_LENGTH * width || thickness > MAX_LINE_THICKNESS * tall) return null;
  const isErased = (k) =>
    mask.height - 1 - Math.floor(k / mask.width) < start + slope * (k % mask.width) + thickness + LINE_EDGE_PX;
  return map(mask, (value, k) => (isErased(k) ? 0 : value), Uint8Array);
}

// Return each column that has ink: x, rows from the bottom to its lowest run of ink, and the run's length.
function findRuns({ width, height, data }, [left, , right]) {
  const columns = [];
  for (let x = left; x < right; x++) {
    let end = 0;
    while (end < height && !data[(height - 1 - end) * width + x]) end++;
    let run = 0;
    while (end + run < height && data[(height - 1 - end - run) * width + x]) run++;
    if (run) columns.push({ x, end, run });
  }
  return columns;
}
