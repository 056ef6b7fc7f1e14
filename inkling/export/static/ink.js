// Separate ink from paper by Otsu's threshold, as `imaging/binarize.py` and `illumination.py` in Python.
// Ink is {coverage, mask, dark, notes, variation}.
import { blurByMedian, clamp, convert, dilate, erode, findComponents, map, median, quantiles, raster, roundEven, select, sum } from "./raster.js";
import { findInkBox } from "./frame.js";
import settings from "./settings.js";

const { MIN_CONTRAST_LEVELS, MIN_CONTRAST_TO_NOISE, NOISE_FLOOR_SD, MAX_QUANTILE_SAMPLES, MAX_SLIVER_SHARE } = settings;
const { MAX_SPECK_SHARE, EDGE_ZONE_SHARE, MAX_MARK_HEIGHT_SHARE, MARKS_NOTE } = settings;
const { CLOSING_SIDE_SHARE, MIN_PAPER_GRAY } = settings;

// Return the ink in gray, 0 to 1, or null if there is none. Without `dark`, paper is the majority of the border.
export function findOtsuInk(gray, dark) {
  const { width, height, data } = gray;
  const levels = convert(data, (value) => roundEven(value * 255), Uint8Array);
  const threshold = findOtsuThreshold(levels);
  let brightCount = 0;
  for (const level of levels) brightCount += level > threshold;
  if (!brightCount || brightCount === levels.length) return null;
  if (dark === undefined) {
    let [bright, count] = [0, 0];
    for (let y = 0; y < height; y++) // rows above and below are whole; a single row counts twice
      for (let x = 0; x < width; x += y % (height - 1) ? Math.max(1, width - 1) : 1, count++)
        bright += levels[y * width + x] > threshold;
    const share = bright / count;
    dark = share > 0.35 && share < 0.65 ? brightCount / levels.length > 0.5 : share > 0.5;
  }
  const mask = raster(width, height, convert(levels, (level) => level > threshold !== dark, Uint8Array));
  const paperSamples = select(data, mask.data, 0, MAX_QUANTILE_SAMPLES);
  const paper = median(paperSamples);
  const contrast = convert(data, (value) => (dark ? paper - value : value - paper));
  const [strong] = quantiles(select(contrast, mask.data, 1, MAX_QUANTILE_SAMPLES), 0.98);
  const noise = 1.4826 * median(convert(paperSamples, (value) => Math.abs(value - paper)));
  if (strong < Math.max(MIN_CONTRAST_LEVELS / 255, MIN_CONTRAST_TO_NOISE * noise)) return null;
  const away = select(contrast, dilate(mask, 2).data, 0, MAX_QUANTILE_SAMPLES);
  const [low, high] = away.length ? quantiles(away, 0.005, 0.995) : [0, 0];
  const floor = NOISE_FLOOR_SD * noise;
  const coverage = convert(contrast, (value) => clamp((value - floor) / (strong - floor), 0, 1));
  return cleanInk({ coverage: raster(width, height, coverage), mask, dark, notes: [], variation: (high - low) / strong });
}

function findOtsuThreshold(levels) {
  const histogram = new Float64Array(256);
  for (const level of levels) histogram[level] += 1 / levels.length;
  const mean = histogram.reduce((total, share, level) => total + share * level, 0);
  let [best, threshold, low, lowMean] = [0, 0, 0, 0];
  for (let level = 0; level < 256; level++) {
    lowMean *= low;
    low += histogram[level];
    if (Math.min(low, 1 - low) < 2 ** -23) continue;
    lowMean = (lowMean + level * histogram[level]) / low;
    const highMean = (mean - low * lowMean) / (1 - low);
    const variance = low * (1 - low) * (lowMean - highMean) ** 2;
    if (variance > best) [best, threshold] = [variance, level];
  }
  return threshold;
}

// Return ink without specks; null if nothing is left.
export function cleanInk(ink) {
  const { mask, notes } = removeSpecks(ink.mask);
  const near = dilate(mask, 2).data; // keeps soft edges
  const coverage = map(ink.coverage, (value, k) => (near[k] ? value : 0));
  if (!findInkBox(coverage)) return null;
  return { ...ink, coverage, mask, notes: [...(ink.dark ? [] : ["light ink on dark: inverted"]), ...ink.notes, ...notes] };
}

// Return the mask without specks, slivers and edge marks, and notes on these.
function removeSpecks(mask) {
  const { labels, parts } = findComponents(mask);
  if (parts.length < 2) return { mask, notes: [] };
  const { width, height } = mask;
  const longest = Math.max(width, height);
  const isSliver = ({ left, top, right, bottom }) => {
    if (Math.min(right - left, bottom - top) >= MAX_SLIVER_SHARE * longest) return false;
    return bottom - top > right - left ? left === 0 || right === width : top === 0 || bottom === height;
  };
  const sizes = parts.map((part) => part.area).sort((a, b) => a - b);
  const half = sum(sizes) / 2;
  let total = 0;
  const usual = sizes.find((area) => (total += area) >= half); // half of the ink is in larger ones
  let isKept = parts.map((part) => part.area >= MAX_SPECK_SHARE * usual && !isSliver(part));
  if (!isKept.includes(true)) isKept = parts.map((part) => part.area === sizes.at(-1));
  const isMark = findEdgeMarks(parts, width, height).map((mark, k) => mark && isKept[k]);
  const notes = [...(isKept.includes(false) ? ["specks ignored"] : []), ...(isMark.includes(true) ? [MARKS_NOTE] : [])];
  const kept = [0, ...isKept.map((keep, k) => +(keep && !isMark[k]))];
  return { mask: raster(width, height, convert(labels, (label) => kept[label], Uint8Array)), notes };
}

// Return which components are low and nearer to the edge than to the highest stroke.
function findEdgeMarks(parts, width, height) {
  const tall = ({ top, bottom }) => bottom - top;
  const toEdge = ({ left, top, right, bottom }) => Math.min(left, top, width - right, height - bottom);
  const main = parts.reduce((best, part) => (tall(part) > tall(best) ? part : best));
  const zone = EDGE_ZONE_SHARE * Math.max(width, height);
  return parts.map((part) => {
    const across = Math.max(part.left, main.left) - Math.min(part.right, main.right);
    const down = Math.max(part.top, main.top) - Math.min(part.bottom, main.bottom);
    const isNear = toEdge(part) < zone && toEdge(part) < Math.max(across, down);
    return isNear && tall(part) < MAX_MARK_HEIGHT_SHARE * tall(main) && toEdge(main) >= zone;
  });
}

// Return gray as in even light: paper 1, dark ink less. A closing estimates the paper.
export function flattenIllumination(gray) {
  const reach = (roundEven(CLOSING_SIDE_SHARE * Math.max(gray.width, gray.height)) | 1) >> 1;
  const paper = erode(dilate(blurByMedian(gray), reach), reach).data;
  return map(gray, (value, k) => clamp(value / Math.max(paper[k], MIN_PAPER_GRAY), 0, 1));
}
