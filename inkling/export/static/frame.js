// Crop, thicken and frame the ink of one glyph, as `imaging/mnist_frame.py` in Python, which gives the reasons.
// Ink is {width, height, data}: 0 = paper, 1 = ink. Lengths are in its pixels.
import {
  STEPS_3, STEPS_5, byArea, clamp, computeDistances, convert, crop, dilate, findComponents, linearly, map, pad, place, raster,
  range, resize, roundEven, sum,
} from "./raster.js";
import settings from "./settings.js";

const { BOX_INK_THRESHOLD, FRAME, DIGIT, MIN_STROKE_PX, THICKENED_STROKE_PX, MAX_DILATION_PX } = settings;

// Return left, top, right, bottom of the ink; null if it is blank.
export function findInkBox({ width, height, data }, threshold = BOX_INK_THRESHOLD) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] <= threshold) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  return right > left ? [left, top, right, bottom] : null;
}

export function cropToInk(ink) {
  const box = findInkBox(ink);
  return box && crop(ink, box);
}

// Frame cropped ink exactly as MNIST does; return {ink, left, top, side}: the digit's corner in the frame, and the
// side of the square, DIGIT px in the frame, that the ink is in the middle of.
export function fitToFrame(ink) {
  const side = Math.max(ink.width, ink.height);
  const [dx, dy] = [ink.width, ink.height].map((length) => Math.floor((side - length) / 2));
  const small = resize(place(ink, side, side, dx, dy), DIGIT, DIGIT, side >= DIGIT ? byArea : linearly);
  const maximum = small.data.reduce((a, b) => Math.max(a, b));
  const scaled = map(small, (value) => value / maximum);
  let [total, sumX, sumY] = [0, 0, 0];
  scaled.data.forEach((value, k) => {
    total += value;
    sumX += value * ((k % DIGIT) + 0.5);
    sumY += value * (Math.floor(k / DIGIT) + 0.5);
  });
  const [left, top] = [sumX, sumY].map((v) => clamp(Math.floor(FRAME / 2 + 1 - v / total), 0, FRAME - DIGIT));
  return { ink: place(scaled, FRAME, FRAME, left, top).data, left, top, side };
}

// Widen strokes that would be too thin in the frame.
export function thicken(ink) {
  const mask = map(ink, (value) => value > 0.5, Uint8Array);
  const area = sum(mask.data);
  if (!area) return ink;
  const stroke = 4 * (sum(computeDistances(pad(mask, 1), STEPS_3).data) / area - 0.5);
  const unit = Math.max(ink.width, ink.height) / DIGIT;
  const reach = roundEven((THICKENED_STROKE_PX * unit - stroke) / 2);
  if (stroke >= MIN_STROKE_PX * unit || reach < 1) return ink;
  const padded = pad(ink, reach);
  if (reach <= MAX_DILATION_PX) return dilateByDisk(padded, reach);
  const away = computeDistances(map(padded, (value) => value <= 0.5, Uint8Array), STEPS_5).data;
  return map(padded, (value, k) => (away[k] <= reach ? 1 : value));
}

function dilateByDisk({ width, height, data }, reach) {
  const sheet = raster(width, height);
  const pen = range(2 * reach + 1, (row) => Math.round(Math.sqrt(reach ** 2 - (row - reach) ** 2)));
  for (let k = 0; k < data.length; k++) {
    if (!data[k]) continue;
    const y = Math.floor(k / width);
    const x = k - y * width;
    for (let j = Math.max(0, y - reach); j <= Math.min(height - 1, y + reach); j++) {
      const wide = pen[j - y + reach];
      for (let i = j * width + Math.max(0, x - wide); i <= j * width + Math.min(width - 1, x + wide); i++)
        if (sheet.data[i] < data[k]) sheet.data[i] = data[k];
    }
  }
  return sheet;
}

// Return the ink without the small components that a cut left behind.
export function removeSplinters(ink) {
  const { labels, parts } = findComponents(map(ink, (value) => value > 0.3, Uint8Array));
  if (parts.length < 2) return ink;
  const largest = Math.max(...parts.map((part) => part.area));
  const small = [false, ...parts.map((part) => part.area < 0.12 * largest)];
  const near = dilate(raster(ink.width, ink.height, convert(labels, (label) => small[label], Uint8Array)), 1).data;
  return map(ink, (value, k) => (near[k] ? 0 : value));
}
