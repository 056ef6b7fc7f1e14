// Convert a picture to gray along the color axis of most contrast, as `imaging/grayscale.py` in Python.
// A picture is {width, height, data} of RGBA bytes, or of gray bytes.
import { byArea, erode, map, median, raster, range, resize, roundEven, select, sum } from "./raster.js";
import settings from "./settings.js";

const { MAX_WORK_SIDE_PX, MIN_ALPHA_RANGE, COLOR_SAMPLE_SIDE_PX, LUMA_WEIGHTS, MIN_LUMA_SHARE } = settings;
const { FLAT_COLOR_SD, MIN_SHEET_CONTRAST } = settings;
const ALPHA = 3; // channel

// Return gray, 0 = black, 1 = white, its longest side at most MAX_WORK_SIDE_PX.
export function toGray({ width, height, data }) {
  const scale = Math.min(1, MAX_WORK_SIDE_PX / Math.max(width, height));
  const size = [width, height].map((length) => Math.max(1, roundEven(length * scale)));
  const reduce = (value) => {
    const channel = raster(width, height, new Uint8Array(width * height));
    for (let k = 0; k < channel.data.length; k++) channel.data[k] = value(4 * k);
    return map(resize(channel, ...size, byArea), (v) => Math.round(v) / 255);
  };
  if (data.length === width * height) return map(resize(raster(width, height, data), ...size, byArea), (v) => Math.round(v) / 255);
  let [low, high] = [255, 0];
  for (let k = ALPHA; k < data.length; k += 4) {
    if (data[k] < low) low = data[k];
    if (data[k] > high) high = data[k];
  }
  if (low < 255 && (high - low > MIN_ALPHA_RANGE || low <= MIN_ALPHA_RANGE)) {
    const colors = range(ALPHA, (c) => reduce((k) => roundEven((data[k + c] * data[k + ALPHA]) / 255)));
    return flattenTransparency(colors, reduce((k) => data[k + ALPHA]));
  }
  const step = Math.max(1, Math.floor(Math.max(width, height) / COLOR_SAMPLE_SIDE_PX));
  const sample = range(ALPHA, () => []);
  for (let y = 0; y < height; y += step)
    for (let x = 0; x < width; x += step) sample.forEach((values, c) => values.push(data[4 * (y * width + x) + c]));
  const axis = findColorAxis(sample);
  if (axis) return projectOnAxis(axis, range(ALPHA, (c) => reduce((k) => data[k + c])));
  return reduce((k) => (19595 * data[k] + 38470 * data[k + 1] + 7471 * data[k + 2] + 0x8000) >> 16); // as Pillow
}

// Return the axis of most variance of three channels' values; null if luma will do.
export function findColorAxis(channels) {
  const count = channels[0].length;
  if (count < 2) return null;
  const centered = channels.map((values) => {
    const mean = sum(values) / count;
    return Float64Array.from(values, (value) => value - mean);
  });
  const covariance = centered.map((a) => centered.map((b) => a.reduce((total, v, k) => total + v * b[k], 0) / (count - 1)));
  const times = (v) => covariance.map((row) => dot(row, v));
  let axis = [1, 0, 0];
  let variance = 0;
  for (const start of [[1, 0.1, 0.2], [0.2, 1, 0.1], [0.1, 0.2, 1]]) { // power iteration
    let vector = start;
    for (let k = 0; k < 200; k++) {
      const next = times(vector);
      const length = Math.hypot(...next) || 1;
      vector = next.map((v) => v / length);
    }
    if (dot(vector, times(vector)) > variance) [axis, variance] = [vector, dot(vector, times(vector))];
  }
  if (3 * dot(LUMA_WEIGHTS, times(LUMA_WEIGHTS)) >= MIN_LUMA_SHARE * variance) return null;
  return dot(axis, LUMA_WEIGHTS) < 0 ? axis.map((v) => -v) : axis;
}
const dot = (a, b) => a.reduce((total, v, k) => total + v * b[k], 0);
const mix = (weights, channels) => map(channels[0], (_, k) => weights.reduce((total, w, c) => total + w * channels[c].data[k], 0));

function projectOnAxis(axis, channels) {
  const shade = mix(axis, channels);
  const [low, high] = findRange(shade.data);
  return map(shade, (value) => (value - low) / Math.max(high - low, 1e-6));
}
const findRange = (values) => values.reduce(([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);

// Return gray of a partly transparent picture from its premultiplied colors and its opacity.
function flattenTransparency(colors, opacity) {
  const solid = map(opacity, (value) => value > 0.5, Uint8Array);
  const plain = colors.map((channel) => map(channel, (v, k) => v / Math.max(opacity.data[k], 0.5)));
  if (!isPaperSheet(plain, solid)) return map(opacity, (value) => 1 - value);
  const paper = plain.map((channel) => median(select(channel.data, solid.data)));
  const filled = colors.map((channel, c) => map(channel, (v, k) => v + (1 - opacity.data[k]) * paper[c]));
  const axis = findColorAxis(filled.map((channel) => channel.data));
  return axis ? projectOnAxis(axis, filled) : mix(LUMA_WEIGHTS, filled);
}

// Return whether the solid part of a picture holds paper and ink.
function isPaperSheet(colors, solid) {
  const share = sum(solid.data) / solid.data.length;
  if (!share) return false;
  if (share <= 0.5) {
    const luma = select(mix(LUMA_WEIGHTS, colors).data, solid.data);
    const mean = sum(luma) / luma.length;
    return Math.sqrt(luma.reduce((total, v) => total + (v - mean) ** 2, 0) / luma.length) >= FLAT_COLOR_SD;
  }
  const inner = erode(solid, 4).data;
  return colors.some((channel) => {
    const [low, high] = findRange(select(channel.data, inner));
    return high - low >= MIN_SHEET_CONTRAST;
  });
}
