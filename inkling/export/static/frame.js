// Strokes become ink, and ink becomes the 28 x 28 pixels that the network reads: for one digit on white
// paper, what `imaging/sketch.py`, `binarize.py` and `mnist_frame.py` do in Python, where the reasons stand.
// A picture is {width, height, ink}: a Float32Array row by row, 0 = paper, 1 = ink. Lengths are in its pixels.
import settings from "./settings.js";

const { SIDE, FINE, ROUNDED, BENDS, EDGE, SPECK, SLIVER } = settings;
const { FRAME, DIGIT, MIN_STROKE, THIN_STROKE_BECOMES, LARGE_PEN } = settings;
const STROKE = 0.5; // ink above this is a stroke, and not its edge
const EDGES = 2; // px beside a stroke that may be its soft edge
// Steps to a pixel's neighbours, [across, down, length], of which OpenCV makes distances (Borgefors 1986).
const STEPS_3 = [[1, 0, 0.955], [0, 1, 0.955], [1, 1, 1.3693], [-1, 1, 1.3693]];
const STEPS_5 = [[1, 0, 1], [0, 1, 1], [1, 1, 1.4], [-1, 1, 1.4]].concat(
  [[2, 1], [-2, 1], [1, 2], [-1, 2]].map((step) => [...step, 2.1969]),
);

const blank = (width, height) => ({ width, height, ink: new Float32Array(width * height) });

// The pad's picture, SIDE x SIDE, drawn from points and not read from a canvas, which some browsers forbid:
// FINE times as large, in two levels, and then reduced.
export function drawn({ size, strokes }) {
  const side = SIDE * FINE;
  const paper = new Uint8Array(side * side);
  for (const { width, erases, points } of strokes) {
    const line = path(points.map((v) => (v * SIDE) / size)).map(fine);
    const last = line.length - 2;
    const pen = (width * side) / size;
    // as wide as OpenCV draws them: lines in whole pixels, and each that the edge touches
    const mark = (from, to, wide) =>
      inked(paper, side, line.slice(from, from + 2), line.slice(to, to + 2), (wide + 1) / 2, erases ? 0 : 1);
    for (let k = 0; k < last; k += 2) mark(k, k + 2, Math.max(1, Math.round(pen)));
    mark(0, 0, pen);
    mark(last, last, pen);
  }
  return reduced(paper, side);
}

// What two levels have of ink in FINE x FINE pixels at a time, in 255 steps.
function reduced(paper, side) {
  const picture = blank(SIDE, SIDE);
  const { ink } = picture;
  for (let y = 0; y < side; y++) {
    const row = paper.subarray(y * side, (y + 1) * side);
    const [start, last] = [Math.floor(y / FINE) * SIDE, row.lastIndexOf(1)];
    for (let x = last < 0 ? side : row.indexOf(1); x <= last; x++) ink[start + Math.floor(x / FINE)] += row[x];
  }
  for (let k = 0; k < ink.length; k++) if (ink[k]) ink[k] = Math.round((255 * ink[k]) / FINE ** 2) / 255;
  return picture;
}

// A length in the finer picture, 0 in a pixel's middle; as OpenCV has it, in sixteenths, and halves go up.
const fine = (v) => Math.round((v * FINE - 0.5) * 16) / 16 + 1 / 64;

// The points of a stroke's line, [x, y, …], its corners rounded a little.
function path(points) {
  const line = points.slice(0, 2);
  for (let k = 2; k < points.length; k += 2) {
    const corner = points.slice(k, k + 2);
    const start = toward(corner, points.slice(k - 2, k));
    const end = k + 2 < points.length ? toward(corner, points.slice(k + 2, k + 4)) : corner;
    for (let bend = 0; bend < BENDS; bend++) {
      const t = bend / (BENDS - 1);
      for (const axis of [0, 1])
        line.push((1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * corner[axis] + t ** 2 * end[axis]);
    }
  }
  return line;
}

function toward([x, y], [toX, toY]) {
  const share = Math.min(0.5, ROUNDED / Math.max(Math.hypot(toX - x, toY - y), 1e-6));
  return [x + (toX - x) * share, y + (toY - y) * share];
}

// Set all that is not farther than the radius from the way between two points, row by row.
function inked(paper, side, [x0, y0], [x1, y1], radius, value) {
  const dx = x1 - x0 || 1e-9; // not zero, by which is divided
  const dy = y1 - y0 || 1e-9;
  const length = Math.hypot(dx, dy);
  const [aside, ahead] = [(radius * length) / Math.abs(dy), length ** 2 / 2 / Math.abs(dx)];
  const first = Math.max(0, Math.ceil(Math.min(y0, y1) - radius));
  const last = Math.min(side - 1, Math.floor(Math.max(y0, y1) + radius));
  for (let y = first; y <= last; y++) {
    const below = y - y0;
    const half = Math.sqrt(radius * radius - below * below); // the round ends, NaN where they do not reach
    const otherHalf = Math.sqrt(radius * radius - (y - y1) * (y - y1));
    // between them: beside the way, and neither before its start nor behind its end
    const beside = (below * dx) / dy;
    const along = (length ** 2 / 2 - below * dy) / dx;
    const from = Math.max(beside - aside, along - ahead);
    const to = Math.min(beside + aside, along + ahead);
    let left = from <= to ? x0 + from : Infinity;
    let right = from <= to ? x0 + to : -Infinity;
    if (half >= 0) [left, right] = [Math.min(left, x0 - half), Math.max(right, x0 + half)];
    if (otherHalf >= 0) [left, right] = [Math.min(left, x1 - otherHalf), Math.max(right, x1 + otherHalf)];
    [left, right] = [Math.max(0, Math.ceil(left)), Math.min(side - 1, Math.floor(right))];
    if (left <= right) paper.fill(value, y * side + left, y * side + right + 1);
  }
}

// The strokes of a drawing, {picture, strokes}, without the specks and slivers that an eraser leaves behind.
export function withoutSpecks(picture) {
  const { width, height, ink } = picture;
  const labels = new Int32Array(width * height);
  const strokes = [];
  for (let k = 0; k < ink.length; k++)
    if (ink[k] > STROKE && !labels[k]) strokes.push(connected(picture, labels, k, strokes.length + 1));
  const areas = strokes.map((stroke) => stroke.area).sort((a, b) => a - b);
  const half = areas.reduce((a, b) => a + b, 0) / 2;
  let sum = 0;
  const usual = areas.find((area) => (sum += area) >= half); // half of the ink is in larger ones
  let kept = strokes.filter((one) => one.area >= SPECK * usual && !isSliver(one, picture));
  if (!kept.length) kept = strokes.filter((one) => one.area === areas.at(-1));
  if (strokes.length < 2) kept = strokes;
  const stays = [0, ...strokes.map((one) => +kept.includes(one))];
  const left = ink.slice();
  for (let k = 0; k < ink.length; k++)
    if (ink[k] && !stays[labels[k]] && !isNear(k)) left[k] = 0;
  return { picture: { width, height, ink: left }, strokes: kept };

  function isNear(k) { // to a stroke, of which it may be the edge
    const y = Math.floor(k / width);
    const x = k - y * width;
    for (let j = Math.max(0, y - EDGES); j <= Math.min(height - 1, y + EDGES); j++)
      for (let i = Math.max(0, x - EDGES); i <= Math.min(width - 1, x + EDGES); i++)
        if (stays[labels[j * width + i]]) return true;
    return false;
  }
}

// Label all ink that is connected with a place, corners included; return its label, area and box.
function connected({ width, height, ink }, labels, first, label) {
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
        if (ink[next] <= STROKE || labels[next]) continue;
        labels[next] = label;
        open.push(next);
      }
  }
  return stroke;
}

function isSliver({ left, top, right, bottom }, { width, height }) {
  if (Math.min(right - left, bottom - top) >= SLIVER * Math.max(width, height)) return false;
  return bottom - top > right - left ? left === 0 || right === width : top === 0 || bottom === height;
}

// The part of a picture that has ink; null if it is blank.
export function cropped(picture) {
  const { width, height, ink } = picture;
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] <= EDGE) continue;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      if (y < top) top = y;
      bottom = y + 1;
    }
  return right > left ? moved(picture, right - left, bottom - top, -left, -top) : null;
}

// A picture on a sheet of another size, its corner moved by so much.
function moved({ width, height, ink }, toWidth, toHeight, dx, dy) {
  const sheet = blank(toWidth, toHeight);
  for (let y = Math.max(0, -dy); y < Math.min(height, toHeight - dy); y++)
    for (let x = Math.max(0, -dx); x < Math.min(width, toWidth - dx); x++)
      sheet.ink[(y + dy) * toWidth + x + dx] = ink[y * width + x];
  return sheet;
}

// Cropped ink as MNIST's makers frame it, FRAME x FRAME; strokes too thin for that are thickened.
export function frame(ink) {
  const thick = thickened(ink);
  const side = Math.max(thick.width, thick.height);
  const [dx, dy] = [thick.width, thick.height].map((length) => Math.floor((side - length) / 2));
  const small = resized(moved(thick, side, side, dx, dy), DIGIT);
  const most = small.ink.reduce((a, b) => Math.max(a, b));
  small.ink = small.ink.map((value) => value / most);
  let [sum, sumX, sumY] = [0, 0, 0];
  small.ink.forEach((value, k) => {
    sum += value;
    sumX += value * ((k % DIGIT) + 0.5);
    sumY += value * (Math.floor(k / DIGIT) + 0.5);
  });
  const corner = (middle) => Math.min(FRAME - DIGIT, Math.max(0, Math.floor(FRAME / 2 + 1 - middle)));
  return moved(small, FRAME, FRAME, corner(sumX / sum), corner(sumY / sum));
}

function thickened(picture) {
  const { width, height, ink } = picture;
  const sheet = moved(picture, width + 2, height + 2, 1, 1);
  const depth = distances(sheet, (value) => value <= STROKE, STEPS_3);
  let [area, sum] = [0, 0];
  for (const value of ink) if (value > STROKE) area++;
  for (const away of depth) sum += away;
  if (!area) return picture;
  const stroke = 4 * (sum / area - 0.5); // the mean distance is a quarter of it
  const unit = Math.max(width, height) / DIGIT; // px of the picture in one of the frame
  const reach = Math.round((THIN_STROKE_BECOMES * unit - stroke) / 2);
  if (stroke >= MIN_STROKE * unit || reach < 1) return picture;
  const wide = moved(picture, width + 2 * reach, height + 2 * reach, reach, reach);
  if (reach <= LARGE_PEN) return dilated(wide, round(reach));
  const away = distances(wide, (value) => value > STROKE, STEPS_5);
  return { ...wide, ink: wide.ink.map((value, k) => (away[k] <= reach ? 1 : value)) };
}

// A round pen: how far it reaches to each side, in each of its rows.
const round = (reach) =>
  Array.from({ length: 2 * reach + 1 }, (_, row) => Math.round(Math.sqrt(reach ** 2 - (row - reach) ** 2)));

// Each pixel becomes the darkest that a pen around it covers.
function dilated({ width, height, ink }, pen) {
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

// How far each pixel is from the nearest that is zero: nearest of all above and before it, then of the others.
function distances({ width, height, ink }, isZero, steps) {
  const [wide, high] = [width + 4, height + 4]; // two more to each side, which are far away
  const far = new Float32Array(wide * high).fill(Infinity);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (isZero(ink[y * width + x])) far[(y + 2) * wide + x + 2] = 0;
  const offsets = Int32Array.from(steps, ([dx, dy]) => dy * wide + dx);
  const lengths = Float32Array.from(steps, (step) => step[2]);
  const pass = (from, to, way) => {
    for (let k = from; k !== to; k += way) {
      if (!far[k]) continue;
      let nearest = far[k];
      for (let step = 0; step < offsets.length; step++)
        nearest = Math.min(nearest, far[k - way * offsets[step]] + lengths[step]);
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

// A square picture with another side: by the area that each pixel covers, or in straight lines if enlarged.
function resized({ width, ink }, side) {
  const shares = width >= side ? areas(width, side) : lines(width, side);
  const columns = blank(width, side); // reduced along its columns, and then along its rows
  const result = blank(side, side);
  shares.forEach((from, y) => from.forEach(([k, share]) => {
    for (let x = 0; x < width; x++) columns.ink[y * width + x] += share * ink[k * width + x];
  }));
  shares.forEach((from, x) => from.forEach(([k, share]) => {
    for (let y = 0; y < side; y++) result.ink[y * side + x] += share * columns.ink[y * width + k];
  }));
  return result;
}

function areas(width, side) {
  const scale = width / side;
  return Array.from({ length: side }, (_, to) => {
    const [start, end] = [to * scale, (to + 1) * scale];
    const from = [];
    for (let k = Math.floor(start); k < Math.min(width, end); k++) {
      const share = Math.min(k + 1, end) - Math.max(k, start);
      if (share > 1e-3) from.push([k, share / scale]); // OpenCV leaves less out as well
    }
    return from;
  });
}

function lines(width, side) {
  return Array.from({ length: side }, (_, to) => {
    const place = Math.min(width - 1, Math.max(0, ((to + 0.5) * width) / side - 0.5));
    const k = Math.floor(place);
    return [[k, 1 - place + k], [Math.min(width - 1, k + 1), place - k]];
  });
}
