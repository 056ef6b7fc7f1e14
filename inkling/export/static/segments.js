// Split ink into segments, group these into lines, and score them, as `recognition/connected_components.py` and
// `segment_scorer.py` in Python. A segment is {ink, box}: cropped ink, and left, top, right, bottom in px of the whole.
import { findInkBox, fitToFrame, thicken } from "./frame.js";
import { convert, crop, dilate, findComponents, map, median, place, raster, sum } from "./raster.js";
import settings from "./settings.js";

const { MAX_SEGMENTS, TYPICAL_HEIGHT_QUANTILE, SMALL_HEIGHT_SHARE, MIN_SHARED_HEIGHT, MAX_STACKED_HEIGHT, FRAME } = settings;
const { MAX_STACK_HEIGHT, MIN_SHARED_WIDTH, MAX_STACK_GAP } = settings;

export const widthOf = ({ box }) => box[2] - box[0];
export const heightOf = ({ box }) => box[3] - box[1];
const centerOf = ({ box }) => (box[0] + box[2]) / 2;
export const areaOf = (segment) => (segment.area ??= sum(segment.ink.data));

export function merge(a, b) {
  const [left, top] = [0, 1].map((k) => Math.min(a.box[k], b.box[k]));
  const [right, bottom] = [2, 3].map((k) => Math.max(a.box[k], b.box[k]));
  const [ink, other] = [a, b].map((s) => place(s.ink, right - left, bottom - top, s.box[0] - left, s.box[1] - top));
  return { ink: map(ink, (v, k) => Math.max(v, other.data[k])), box: [left, top, right, bottom] };
}

// Return all of some ink, whose corner is at (left, top), or null if it is blank.
export function cropSegment(ink, left = 0, top = 0) {
  const box = findInkBox(ink);
  return box && { ink: crop(ink, box), box: box.map((edge, k) => edge + (k % 2 ? top : left)) };
}

// Return the largest connected components, each with its soft edges.
export function extractSegments({ coverage, mask }) {
  const { labels, parts } = findComponents(mask);
  if (parts.length === 1) return [cropSegment(coverage)].filter(Boolean);
  const order = parts.map((part, k) => ({ ...part, label: k + 1 })).sort((a, b) => b.area - a.area);
  const sheet = raster(mask.width, mask.height, labels);
  return order.slice(0, MAX_SEGMENTS).flatMap(({ left, top, right, bottom, label }) => {
    const box = [Math.max(0, left - 2), Math.max(0, top - 2), Math.min(mask.width, right + 2), Math.min(mask.height, bottom + 2)];
    const near = dilate(map(crop(sheet, box), (value) => value === label, Uint8Array), 2).data;
    return cropSegment(map(crop(coverage, box), (value, k) => value * near[k]), box[0], box[1]) ?? [];
  });
}

// Merge segments that stand above one another and are too low to be digits themselves.
export function mergeStacked(segments) {
  const height = findTypicalHeight(segments);
  const merged = [];
  for (const segment of [...segments].sort((a, b) => a.box[1] - b.box[1])) {
    const at = merged.findIndex((above) => {
      const shared = Math.min(above.box[2], segment.box[2]) - Math.max(above.box[0], segment.box[0]);
      return (
        Math.max(heightOf(above), heightOf(segment)) < MAX_STACKED_HEIGHT * height &&
        Math.max(above.box[3], segment.box[3]) - above.box[1] <= MAX_STACK_HEIGHT * height &&
        shared >= MIN_SHARED_WIDTH * Math.min(widthOf(above), widthOf(segment)) &&
        measureGap(above, segment) < MAX_STACK_GAP * height
      );
    });
    if (at < 0) merged.push(segment);
    else merged[at] = merge(merged[at], segment);
  }
  return merged;
}

// Return a quantile of the heights, weighted by ink: the height of digits, not of fragments.
export function findTypicalHeight(segments) {
  const sorted = [...segments].sort((a, b) => heightOf(a) - heightOf(b));
  const enough = TYPICAL_HEIGHT_QUANTILE * sum(sorted.map(areaOf));
  let total = 0;
  return heightOf(sorted.find((segment) => (total += areaOf(segment)) >= enough) ?? sorted.at(-1));
}

// Return the lines from top to bottom, each with its segments from left to right.
export function groupLines(segments) {
  const height = findTypicalHeight(segments);
  const isTall = (segment) => heightOf(segment) >= SMALL_HEIGHT_SHARE * height;
  const tall = segments.filter(isTall);
  const lines = [];
  for (const segment of [...tall].sort((a, b) => centerOf(a) - centerOf(b))) {
    const shared = lines.map((line) => shareHeight(line.at(-1), segment));
    const most = Math.max(...shared);
    if (most >= MIN_SHARED_HEIGHT) lines[shared.indexOf(most)].push(segment);
    else lines.push([segment]);
  }
  for (const segment of segments.filter((s) => !isTall(s))) {
    const nearest = tall.reduce((a, b) => (measureGap(b, segment) < measureGap(a, segment) ? b : a));
    lines.find((line) => line.includes(nearest)).push(segment);
  }
  const middle = (line) => median(line.map(({ box }) => box[1] + box[3]));
  lines.sort((a, b) => middle(a) - middle(b));
  return lines.map((line) => line.sort((a, b) => centerOf(a) - centerOf(b)));
}

// Return the share of the lower one's height that both have in common, negative if none.
function shareHeight(a, b) {
  const shared = Math.min(a.box[3], b.box[3]) - Math.max(a.box[1], b.box[1]);
  return shared / Math.max(1, Math.min(heightOf(a), heightOf(b)));
}

// Return the distance between two boxes.
export function measureGap(a, b) {
  const [dx, dy] = [0, 1].map((k) => Math.max(a.box[k], b.box[k]) - Math.min(a.box[k + 2], b.box[k + 2]));
  return Math.hypot(Math.max(dx, 0), Math.max(dy, 0));
}

// Return a function that predicts segments as one digit each, in one batch; equal ones once.
export function makeScorer(predict) {
  const known = new Map();
  return async (segments) => {
    const keys = segments.map(({ ink, box }) => `${box} ${sum(ink.data)} ${sum(convert(ink.data, (v, k) => v * (k % 8191)))}`);
    const fresh = new Map(keys.map((key, k) => [key, segments[k]]).filter(([key]) => !known.has(key)));
    if (fresh.size) {
      const glyphs = [...fresh.values()].map(({ ink, box }) => {
        const thick = thicken(ink);
        const { ink: framed, ...frame } = fitToFrame(thick);
        return { ink: framed, box, frame: { ...frame, width: thick.width, height: thick.height }, thickened: thick !== ink };
      });
      const inks = new Float32Array(glyphs.length * FRAME ** 2);
      glyphs.forEach((glyph, k) => inks.set(glyph.ink, k * FRAME ** 2));
      const { probabilities, not_a_digit, plausible, several } = await predict(inks);
      [...fresh.keys()].forEach((key, k) =>
        known.set(key, {
          ...glyphs[k],
          probabilities: [...probabilities.subarray(10 * k, 10 * k + 10)],
          not_a_digit: not_a_digit[k],
          bestLogProb: plausible[k],
          multiDigitLogit: several[k],
        }),
      );
    }
    return keys.map((key) => known.get(key));
  };
}
