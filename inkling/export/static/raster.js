// Operations on rasters {width, height, data}, data by rows, that compute what OpenCV and NumPy compute in Python.
export const raster = (width, height, data = new Float32Array(width * height)) => ({ width, height, data });
export const map = ({ width, height, data }, change, Type = Float32Array) => raster(width, height, convert(data, change, Type));
export function convert(values, change, Type = Float32Array) { // several times as fast as Type.from
  const result = new Type(values.length);
  for (let k = 0; k < result.length; k++) result[k] = change(values[k], k);
  return result;
}
export function sum(values) {
  let total = 0;
  for (let k = 0; k < values.length; k++) total += values[k];
  return total;
}
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
export const range = (length, change) => Array.from({ length }, (_, k) => change(k));

// Round to the nearest whole number, halves to the even one.
export function roundEven(value) {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 ? nearest - 1 : nearest;
}

// Copy a raster to a sheet of another size, its corner at (dx, dy).
export function place({ width, height, data }, toWidth, toHeight, dx, dy) {
  const sheet = raster(toWidth, toHeight, new data.constructor(toWidth * toHeight));
  const [left, right] = [Math.max(0, -dx), Math.min(width, toWidth - dx)];
  for (let y = Math.max(0, -dy); left < right && y < Math.min(height, toHeight - dy); y++)
    sheet.data.set(data.subarray(y * width + left, y * width + right), (y + dy) * toWidth + left + dx);
  return sheet;
}
export const crop = (image, [left, top, right, bottom]) => place(image, right - left, bottom - top, -left, -top);
export const pad = (image, px) => place(image, image.width + 2 * px, image.height + 2 * px, px, px);

// Rotate to the left by quarters of a full turn.
export function rotate(image, quarters) {
  if (!quarters) return image;
  const { width, height, data } = image;
  const turned = raster(height, width, new data.constructor(data.length));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned.data[(width - 1 - x) * height + y] = data[y * width + x];
  return rotate(turned, quarters - 1);
}

// Return quantiles of values, each interpolated between the two nearest.
export function quantiles(values, ...shares) {
  const sorted = new Float32Array(values).sort();
  return shares.map((share) => {
    const at = (sorted.length - 1) * share;
    const k = Math.floor(at);
    return sorted[k] + (at - k) * (sorted[Math.min(k + 1, sorted.length - 1)] - sorted[k]);
  });
}
export const median = (values) => quantiles(values, 0.5)[0];

// Return the values where a mask is `wanted`, or every n-th of them if they are more than `most`.
export function select(values, mask, wanted = 1, most = Infinity) {
  let [count, end] = [0, 0];
  for (let k = 0; k < values.length; k++) if (mask[k] === wanted) count++;
  const step = Math.max(1, Math.floor(count / most));
  const result = new Float32Array(Math.ceil(count / step));
  for (let k = 0; k < values.length; k++) if (mask[k] === wanted && end++ % step === 0) result[(end - 1) / step] = values[k];
  return result;
}

// Resampling methods: for each target place the sources [index, share].
export function byArea(from, to) {
  if (to > from) return linearly(from, to);
  const scale = from / to;
  return range(to, (at) => {
    const [start, end] = [at * scale, Math.min(from, (at + 1) * scale)];
    const sources = [];
    for (let k = Math.floor(start + 1e-9); k < end - 1e-9; k++)
      sources.push([k, (Math.min(end, k + 1) - Math.max(start, k)) / (end - start)]);
    return sources;
  });
}
export const linearly = (from, to) => byTaps(from, to, 0, (t) => [1 - t, t]);
export const cubically = (from, to) =>
  byTaps(from, to, -1, (t) => {
    const far = (d) => ((-0.75 * d + 3.75) * d - 6) * d + 3;
    const near = (d) => (1.25 * d - 2.25) * d * d + 1;
    return [far(t + 1), near(t), near(1 - t), 1 - far(t + 1) - near(t) - near(1 - t)];
  });
export const nearestly = (from, to) => range(to, (at) => [[Math.min(from - 1, Math.floor((at * from) / to)), 1]]);
function byTaps(from, to, first, weigh) {
  return range(to, (at) => {
    const place = ((at + 0.5) * from) / to - 0.5;
    const k = Math.floor(place);
    return weigh(place - k).map((share, tap) => [clamp(k + first + tap, 0, from - 1), share]);
  });
}

export function resize(image, width, height, method) {
  if (width === image.width && height === image.height) return map(image, (v) => v);
  const [fromRows, fromColumns] = [method(image.height, height), method(image.width, width)];
  const columns = Int32Array.from(fromColumns.flat(), ([k]) => k); // flat arrays: a third of the time
  const shares = Float32Array.from(fromColumns.flat(), ([, share]) => share);
  const row = new Float32Array(image.width);
  const result = raster(width, height);
  for (let y = 0; y < height; y++) {
    row.fill(0);
    for (const [k, share] of fromRows[y]) {
      const start = k * image.width;
      for (let x = 0; x < row.length; x++) row[x] += share * image.data[start + x];
    }
    for (let x = 0, tap = 0; x < width; x++)
      for (const end = tap + fromColumns[x].length; tap < end; tap++) result.data[y * width + x] += shares[tap] * row[columns[tap]];
  }
  return result;
}

// Set each pixel to the largest within a square around it; `erode`: to the smallest.
export function dilate({ width, height, data }, reach) {
  const result = data.slice();
  for (let y = 0; y < height; y++) spread(result, y * width, (y + 1) * width, 1, reach);
  spread(result, 0, result.length, width, reach);
  return raster(width, height, result);
}
// Set each value from `start` to `end` to the largest within `reach` steps of `unit`: by windows that double.
function spread(data, start, end, unit, reach) {
  for (let wide = 1, next; wide <= reach; wide = next) {
    next = Math.min(2 * wide, reach + 1);
    const shift = (next - wide) * unit;
    for (let k = start; k < end - shift; k++) if (data[k + shift] > data[k]) data[k] = data[k + shift];
  }
  for (let wide = 1, next; wide <= reach; wide = next) {
    next = Math.min(2 * wide, reach + 1);
    const shift = (next - wide) * unit;
    for (let k = end - 1; k >= start + shift; k--) if (data[k - shift] > data[k]) data[k] = data[k - shift];
  }
}
const negate = (image) => map(image, (value) => -value);
export const erode = (image, reach) => negate(dilate(negate(image), reach));

// Return the mean of each window of `side` x `side`; edges are mirrored without their own pixels.
export function blur(image, side) {
  const mirror = (k, length) => {
    const period = Math.max(1, 2 * length - 2);
    const at = ((k % period) + period) % period;
    return Math.min(at, period - at);
  };
  const reach = (side - 1) / 2;
  const pass = (from, length, lines, step, stride) => {
    const to = new Float64Array(from.length);
    const places = range(length + side, (k) => mirror(k - reach - 1, length) * step);
    for (let line = 0; line < lines; line++) {
      const start = line * stride;
      let total = 0;
      for (let k = 1; k <= side; k++) total += from[start + places[k]];
      for (let k = 0; k < length; k++) {
        to[start + k * step] = total / side;
        total += (k + side + 1 < places.length ? from[start + places[k + side + 1]] : 0) - from[start + places[k + 1]];
      }
    }
    return to;
  };
  const { width, height, data } = image;
  return raster(width, height, pass(pass(data, width, height, 1, width), height, width, width, 1));
}

// Return the median of each window of 5 x 5; edges are repeated.
export function blurByMedian({ width, height, data }) {
  const result = raster(width, height);
  const window = new Float32Array(25);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 25; k++) {
        const row = clamp(y + Math.floor(k / 5) - 2, 0, height - 1);
        const value = data[row * width + clamp(x + (k % 5) - 2, 0, width - 1)];
        let at = k; // insertion sort
        for (; at > 0 && window[at - 1] > value; at--) window[at] = window[at - 1];
        window[at] = value;
      }
      result.data[y * width + x] = window[12];
    }
  return result;
}

// Label the 8-connected components of a mask, 1 and up; return {labels, parts}, parts[0] the first component.
export const findComponents = (mask) => (mask.components ??= labelComponents(mask));
function labelComponents({ width, height, data }) {
  const labels = new Int32Array(data.length);
  const open = new Int32Array(data.length);
  const parts = [];
  for (let first = 0; first < data.length; first++) {
    if (!data[first] || labels[first]) continue;
    const part = { area: 0, left: width, top: height, right: 0, bottom: 0 };
    const label = parts.push(part);
    let count = 0;
    open[count++] = first;
    labels[first] = label;
    while (count) {
      const k = open[--count];
      const y = Math.floor(k / width);
      const x = k - y * width;
      part.area++;
      if (x < part.left) part.left = x;
      if (x >= part.right) part.right = x + 1;
      if (y < part.top) part.top = y;
      if (y >= part.bottom) part.bottom = y + 1;
      for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
        for (let next = j * width + Math.max(0, x - 1); next <= j * width + Math.min(width - 1, x + 1); next++) {
          if (!data[next] || labels[next]) continue;
          labels[next] = label;
          open[count++] = next;
        }
    }
  }
  return { labels, parts };
}

// Steps to a pixel's neighbours, [dx, dy, length], of OpenCV's distance transform (Borgefors 1986).
export const STEPS_3 = [[1, 0, 0.955], [0, 1, 0.955], [1, 1, 1.3693], [-1, 1, 1.3693]];
export const STEPS_5 = [[1, 0, 1], [0, 1, 1], [1, 1, 1.4], [-1, 1, 1.4]].concat(
  [[2, 1], [-2, 1], [1, 2], [-1, 2]].map((step) => [...step, 2.1969]),
);

// Return each pixel's distance from the nearest zero of a mask, by a forward and a backward pass.
export function computeDistances({ width, height, data }, steps) {
  const [wide, high] = [width + 4, height + 4]; // a border of two pixels at infinite distance
  const far = new Float32Array(wide * high).fill(Infinity);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (!data[y * width + x]) far[(y + 2) * wide + x + 2] = 0;
  const offsets = Int32Array.from(steps, ([dx, dy]) => dy * wide + dx);
  const lengths = Float32Array.from(steps, (step) => step[2]);
  const pass = (from, to, step) => {
    for (let k = from; k !== to; k += step) {
      if (!far[k]) continue;
      let nearest = far[k];
      for (let n = 0; n < offsets.length; n++) nearest = Math.min(nearest, far[k - step * offsets[n]] + lengths[n]);
      far[k] = nearest;
    }
  };
  const [first, last] = [2 * wide + 2, (height + 1) * wide + width + 1];
  pass(first, last + 1, 1);
  pass(last, first - 1, -1);
  return place(raster(wide, high, far), width, height, -2, -2);
}
