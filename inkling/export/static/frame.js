// Draw strokes as ink, and fit the ink to MNIST's frame of 28 x 28 pixels: for one digit on white paper, as
// `imaging/sketch.py`, `binarize.py` and `mnist_frame.py` in Python, which give the reasons.
// A picture is {width, height, ink}: a Float32Array by rows, 0 = paper, 1 = ink. Lengths are in its pixels.
import settings from "./settings.js";

const { SKETCH_SIDE_PX, SUPERSAMPLING, CORNER_PX, CORNER_POINTS, BOX_INK_THRESHOLD, MAX_SPECK_SHARE, MAX_SLIVER_SHARE } = settings;
const { FRAME, DIGIT, MIN_STROKE_PX, THICKENED_STROKE_PX, MAX_DILATION_PX } = settings;
const STROKE_THRESHOLD = 0.5; // ink above this belongs to a stroke, and not to its soft edge
const SOFT_EDGE_PX = 2; // maximum width of a stroke's soft edge
// Steps to a pixel's neighbours, [dx, dy, length], of OpenCV's distance transform (Borgefors 1986).
const STEPS_3 = [[1, 0, 0.955], [0, 1, 0.955], [1, 1, 1.3693], [-1, 1, 1.3693]];
const STEPS_5 = [[1, 0, 1], [0, 1, 1], [1, 1, 1.4], [-1, 1, 1.4]].concat(
  [[2, 1], [-2, 1], [1, 2], [-1, 2]].map((step) => [...step, 2.1969]),
);

const blank = (width, height) => ({ width, height, ink: new Float32Array(width * height) });

// Draw the pad's picture, SKETCH_SIDE_PX x SKETCH_SIDE_PX, from the strokes' points: SUPERSAMPLING times as
// large in two levels, then reduced. The canvas is not read, as some browsers forbid it.
export function drawSketch({ size, strokes }) {
  const side = SKETCH_SIDE_PX * SUPERSAMPLING;
  const paper = new Uint8Array(side * side);
  for (const { width, erases, points } of strokes) {
    const line = roundCorners(points.map((v) => (v * SKETCH_SIDE_PX) / size)).map(toLargePicture);
    const last = line.length - 2;
    const pen = (width * side) / size;
    // as wide as OpenCV draws: line widths in whole pixels, with each pixel that the edge touches
    const drawLine = (from, to, wide) =>
      fillCapsule(paper, side, line.slice(from, from + 2), line.slice(to, to + 2), (wide + 1) / 2, erases ? 0 : 1);
    for (let k = 0; k < last; k += 2) drawLine(k, k + 2, Math.max(1, Math.round(pen)));
    drawLine(0, 0, pen);
    drawLine(last, last, pen);
  }
  return reduce(paper, side);
}

// Return the share of ink in each block of SUPERSAMPLING x SUPERSAMPLING pixels, in 255 steps.
function reduce(paper, side) {
  const picture = blank(SKETCH_SIDE_PX, SKETCH_SIDE_PX);
  const { ink } = picture;
  for (let y = 0; y < side; y++) {
    const row = paper.subarray(y * side, (y + 1) * side);
    const [start, last] = [Math.floor(y / SUPERSAMPLING) * SKETCH_SIDE_PX, row.lastIndexOf(1)];
    for (let x = last < 0 ? side : row.indexOf(1); x <= last; x++) ink[start + Math.floor(x / SUPERSAMPLING)] += row[x];
  }
  for (let k = 0; k < ink.length; k++) if (ink[k]) ink[k] = Math.round((255 * ink[k]) / SUPERSAMPLING ** 2) / 255;
  return picture;
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
    for (let bend = 0; bend < CORNER_POINTS; bend++) {
      const t = bend / (CORNER_POINTS - 1);
      for (const axis of [0, 1])
        line.push((1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * corner[axis] + t ** 2 * end[axis]);
    }
  }
  return line;
}

function moveToward([x, y], [toX, toY]) {
  const share = Math.min(0.5, CORNER_PX / Math.max(Math.hypot(toX - x, toY - y), 1e-6));
  return [x + (toX - x) * share, y + (toY - y) * share];
}

// Fill all pixels within a radius of the line between two points, row by row.
function fillCapsule(paper, side, [x0, y0], [x1, y1], radius, value) {
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

// Remove the specks and slivers that an eraser leaves; return {picture, strokes}.
export function removeSpecks(picture) {
  const { width, height, ink } = picture;
  const labels = new Int32Array(width * height);
  const strokes = [];
  for (let k = 0; k < ink.length; k++)
    if (ink[k] > STROKE_THRESHOLD && !labels[k]) strokes.push(labelComponent(picture, labels, k, strokes.length + 1));
  const areas = strokes.map((stroke) => stroke.area).sort((a, b) => a - b);
  const half = areas.reduce((a, b) => a + b, 0) / 2;
  let sum = 0;
  const medianArea = areas.find((area) => (sum += area) >= half); // weighted by area: half of the ink is in larger strokes
  let kept = strokes.filter((stroke) => stroke.area >= MAX_SPECK_SHARE * medianArea && !isSliver(stroke, picture));
  if (!kept.length) kept = strokes.filter((stroke) => stroke.area === areas.at(-1));
  if (strokes.length < 2) kept = strokes;
  const isKept = [0, ...strokes.map((stroke) => +kept.includes(stroke))];
  const left = ink.slice();
  for (let k = 0; k < ink.length; k++)
    if (ink[k] && !isKept[labels[k]] && !isEdge(k)) left[k] = 0;
  return { picture: { width, height, ink: left }, strokes: kept };

  function isEdge(k) { // of a kept stroke
    const y = Math.floor(k / width);
    const x = k - y * width;
    for (let j = Math.max(0, y - SOFT_EDGE_PX); j <= Math.min(height - 1, y + SOFT_EDGE_PX); j++)
      for (let i = Math.max(0, x - SOFT_EDGE_PX); i <= Math.min(width - 1, x + SOFT_EDGE_PX); i++)
        if (isKept[labels[j * width + i]]) return true;
    return false;
  }
}

// Label the 8-connected component of a pixel; return its label, area and box.
function labelComponent({ width, height, ink }, labels, first, label) {
  const open = [first];
  const stroke = { label, area: 0, left: width, top: height, right: 0, bottom: 0 };
  labels[first] = label;
  while (open.length) {
    const k = open.pop();
    const y = Math.floor(k / width);
    const x = k - y * width;
    stroke.area++;
    stroke.left = Math.min(stroke.left, x);
    stroke.right = Math.max(stroke.right, x + 1);
    stroke.top = Math.min(stroke.top, y);
    stroke.bottom = Math.max(stroke.bottom, y + 1);
    for (let j = Math.max(0, y - 1); j < Math.min(height, y + 2); j++)
      for (let i = Math.max(0, x - 1); i < Math.min(width, x + 2); i++) {
        const next = j * width + i;
        if (ink[next] <= STROKE_THRESHOLD || labels[next]) continue;
        labels[next] = label;
        open.push(next);
      }
  }
  return stroke;
}

function isSliver({ left, top, right, bottom }, { width, height }) {
  if (Math.min(right - left, bottom - top) >= MAX_SLIVER_SHARE * Math.max(width, height)) return false;
  return bottom - top > right - left ? left === 0 || right === width : top === 0 || bottom === height;
}

// Crop a picture to its ink; return null if it is blank.
export function cropToInk(picture) {
  const { width, height, ink } = picture;
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] <= BOX_INK_THRESHOLD) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  return right > left ? translate(picture, right - left, bottom - top, -left, -top) : null;
}

// Copy a picture to a sheet of another size, its corner at (dx, dy).
function translate({ width, height, ink }, toWidth, toHeight, dx, dy) {
  const sheet = blank(toWidth, toHeight);
  for (let y = Math.max(0, -dy); y < Math.min(height, toHeight - dy); y++)
    for (let x = Math.max(0, -dx); x < Math.min(width, toWidth - dx); x++)
      sheet.ink[(y + dy) * toWidth + x + dx] = ink[y * width + x];
  return sheet;
}

// Fit cropped ink to MNIST's frame, FRAME x FRAME; thicken strokes that would be too thin.
export function frameGlyph(ink) {
  const thick = thicken(ink);
  const side = Math.max(thick.width, thick.height);
  const [dx, dy] = [thick.width, thick.height].map((length) => Math.floor((side - length) / 2));
  const small = resize(translate(thick, side, side, dx, dy), DIGIT);
  const maximum = small.ink.reduce((a, b) => Math.max(a, b));
  small.ink = small.ink.map((value) => value / maximum);
  let [sum, sumX, sumY] = [0, 0, 0];
  small.ink.forEach((value, k) => {
    sum += value;
    sumX += value * ((k % DIGIT) + 0.5);
    sumY += value * (Math.floor(k / DIGIT) + 0.5);
  });
  const corner = (middle) => Math.min(FRAME - DIGIT, Math.max(0, Math.floor(FRAME / 2 + 1 - middle)));
  return translate(small, FRAME, FRAME, corner(sumX / sum), corner(sumY / sum));
}

function thicken(picture) {
  const { width, height, ink } = picture;
  const sheet = translate(picture, width + 2, height + 2, 1, 1);
  const depth = computeDistances(sheet, (value) => value <= STROKE_THRESHOLD, STEPS_3);
  let [area, sum] = [0, 0];
  for (const value of ink) if (value > STROKE_THRESHOLD) area++;
  for (const away of depth) sum += away;
  if (!area) return picture;
  const stroke = 4 * (sum / area - 0.5); // its width: the mean distance is a quarter of it
  const unit = Math.max(width, height) / DIGIT; // px of the picture in one px of the frame
  const reach = Math.round((THICKENED_STROKE_PX * unit - stroke) / 2);
  if (stroke >= MIN_STROKE_PX * unit || reach < 1) return picture;
  const padded = translate(picture, width + 2 * reach, height + 2 * reach, reach, reach);
  if (reach <= MAX_DILATION_PX) return dilate(padded, buildDisk(reach));
  const away = computeDistances(padded, (value) => value > STROKE_THRESHOLD, STEPS_5);
  return { ...padded, ink: padded.ink.map((value, k) => (away[k] <= reach ? 1 : value)) };
}

// Return the half width of a disk in each of its rows.
const buildDisk = (reach) =>
  Array.from({ length: 2 * reach + 1 }, (_, row) => Math.round(Math.sqrt(reach ** 2 - (row - reach) ** 2)));

// Set each pixel to the darkest within the pen around it.
function dilate({ width, height, ink }, pen) {
  const reach = (pen.length - 1) / 2;
  const sheet = blank(width, height);
  for (let k = 0; k < ink.length; k++) {
    if (!ink[k]) continue;
    const y = Math.floor(k / width);
    const x = k - y * width;
    for (let j = Math.max(0, y - reach); j <= Math.min(height - 1, y + reach); j++) {
      const wide = pen[j - y + reach];
      for (let i = j * width + Math.max(0, x - wide); i <= j * width + Math.min(width - 1, x + wide); i++)
        if (sheet.ink[i] < ink[k]) sheet.ink[i] = ink[k];
    }
  }
  return sheet;
}

// Compute each pixel's distance from the nearest zero, in a forward and a backward pass.
function computeDistances({ width, height, ink }, isZero, steps) {
  const [wide, high] = [width + 4, height + 4]; // a border of two pixels at infinite distance
  const far = new Float32Array(wide * high).fill(Infinity);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (isZero(ink[y * width + x])) far[(y + 2) * wide + x + 2] = 0;
  const offsets = Int32Array.from(steps, ([dx, dy]) => dy * wide + dx);
  const lengths = Float32Array.from(steps, (step) => step[2]);
  const pass = (from, to, step) => {
    for (let k = from; k !== to; k += step) {
      if (!far[k]) continue;
      let nearest = far[k];
      for (let n = 0; n < offsets.length; n++)
        nearest = Math.min(nearest, far[k - step * offsets[n]] + lengths[n]);
      far[k] = nearest;
    }
  };
  const [first, last] = [2 * wide + 2, (height + 1) * wide + width + 1];
  pass(first, last + 1, 1);
  pass(last, first - 1, -1);
  const result = new Float32Array(width * height);
  for (let y = 0; y < height; y++)
    result.set(far.subarray((y + 2) * wide + 2, (y + 2) * wide + 2 + width), y * width);
  return result;
}

// Resize a square picture: by area if it gets smaller, bilinearly if larger.
function resize({ width, ink }, side) {
  const shares = width >= side ? areaShares(width, side) : linearShares(width, side);
  const columns = blank(width, side); // columns first, then rows
  const result = blank(side, side);
  shares.forEach((from, y) => from.forEach(([k, share]) => {
    for (let x = 0; x < width; x++) columns.ink[y * width + x] += share * ink[k * width + x];
  }));
  shares.forEach((from, x) => from.forEach(([k, share]) => {
    for (let y = 0; y < side; y++) result.ink[y * side + x] += share * columns.ink[y * width + k];
  }));
  return result;
}

function areaShares(width, side) {
  const scale = width / side;
  return Array.from({ length: side }, (_, to) => {
    const [start, end] = [to * scale, (to + 1) * scale];
    const from = [];
    for (let k = Math.floor(start); k < Math.min(width, end); k++) {
      const share = Math.min(k + 1, end) - Math.max(k, start);
      if (share > 1e-3) from.push([k, share / scale]); // as OpenCV
    }
    return from;
  });
}

function linearShares(width, side) {
  return Array.from({ length: side }, (_, to) => {
    const place = Math.min(width - 1, Math.max(0, ((to + 0.5) * width) / side - 0.5));
    const k = Math.floor(place);
    return [[k, 1 - place + k], [Math.min(width - 1, k + 1), place - k]];
  });
}
