// Read a picture: the loop over its ink hypotheses, as `recognition/hypotheses.py` and `reader.py` in Python.
import { findInkBox } from "./frame.js";
import { toGray } from "./gray.js";
import { findOtsuInk, flattenIllumination } from "./ink.js";
import { findUnetInk, makeTranscriber, predictInks } from "./networks.js";
import { STEPS_3, byArea, computeDistances, findComponents, raster, resize, rotate, roundEven, sum } from "./raster.js";
import { assembleReading, buildReading, dropEdgeFragments, explainedArea, isAtEdge, isRefused, jointProb } from "./reading.js";
import { findRows } from "./segmentation.js";
import settings from "./settings.js";
import { eraseUnderlines } from "./underline.js";

const { MAX_ZOOM, MAX_DRAWING_VARIATION, MAX_DRAWING_STROKES, MAX_STROKE_SHARE, MIN_JOINT_PROB, MAX_HOLES, ROTATED } = settings;
const { SOURCE_WEIGHTS, COMMON_WEIGHTS, UNET_SIDES_PX, MIN_ZOOM, MAX_UNIFORM_VARIATION, CONFIDENT_LOG_ODDS, HOLE } = settings;

// Read a picture {width, height, data}; the reading's boxes are in its pixels. `hypotheses` lists what was tried.
export async function readPicture(picture) {
  let best = { logOdds: -Infinity };
  const tried = [];
  for await (const hypothesis of makeHypotheses(picture)) {
    if (boundLogOdds(hypothesis) > best.logOdds) {
      const reading = await readHypothesis(hypothesis);
      tried.push({ ...reading, hypothesis });
      if (reading.logOdds > best.logOdds) best = reading;
    }
    if (best.logOdds > CONFIDENT_LOG_ODDS) break;
  }
  return { ...dropEdgeFragments(best, [0, 0, picture.width, picture.height]), hypotheses: tried };
}

async function readHypothesis(hypothesis) {
  const { ink, gray, quarters } = hypothesis;
  const rows = ink ? await findRows(ink, predictInks, makeTranscriber(gray, ink)) : [];
  const digits = rows.flatMap((row, line) => row.map((digit) => ({ ...digit, ...locate(digit, hypothesis), line })));
  const seen = [...(ink?.notes ?? [])];
  if (digits.length > 1) seen.push(`${digits.length} glyphs on ${rows.length} line${rows.length > 1 ? "s" : ""}`);
  if (quarters) seen.push(ROTATED[quarters]);
  const reading = ink ? assembleReading(digits, seen) : buildReading([], []);
  return { ...reading, logOdds: computeLogOdds(hypothesis, reading) };
}

// Return a glyph's box in px of the upright picture, and the matrix [xx, xy, x0, yx, yy, y0] from its frame to there.
function locate({ box, frame }, { ink, box: part, quarters }) {
  const { width, height } = ink.coverage;
  const toPicture = (x, y) => {
    let [u, v] = [x / width, y / height];
    for (let k = 0; k < quarters; k++) [u, v] = [1 - v, u];
    return [part[0] + u * (part[2] - part[0]), part[1] + v * (part[3] - part[1])];
  };
  const ends = [toPicture(box[0], box[1]), toPicture(box[2], box[3])];
  const [xs, ys] = [0, 1].map((axis) => ends.map((end) => end[axis]));
  const edges = [Math.min(...xs), Math.min(...ys)].map(Math.floor);
  const unit = frame.side / settings.DIGIT;
  const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const fromFrame = (x, y) =>
    toPicture(middle[0] + (x - frame.left - settings.DIGIT / 2) * unit, middle[1] + (y - frame.top - settings.DIGIT / 2) * unit);
  const [origin, right, down] = [fromFrame(0, 0), fromFrame(1, 0), fromFrame(0, 1)];
  const matrix = [0, 1].flatMap((axis) => [right[axis] - origin[axis], down[axis] - origin[axis], origin[axis]]);
  return { box: [...edges, Math.ceil(Math.max(...xs)), Math.ceil(Math.max(...ys))], toPicture: matrix };
}

// Yield hypotheses {source, ink, gray, box, isUniform, quarters}, cheap to expensive.
async function* makeHypotheses(picture) {
  const gray = toGray(picture);
  const first = findOtsuInk(gray);
  const part = findSmallPart(first, picture);
  if (part) {
    for await (const closer of makeHypotheses(cropPicture(picture, part)))
      yield { ...closer, box: closer.box.map((edge, k) => edge + part[k % 2]) };
    return;
  }
  const isUniform = !first || isUniformBackground(first);
  const make = (source, ink, more = {}) =>
    ({ source, ink, gray, box: [0, 0, picture.width, picture.height], isUniform, quarters: 0, ...more });
  const above = first && isUniform ? eraseUnderlines(first) : null;
  if (above) {
    yield make("otsu", above);
  } else if (first && isUniform && isDrawing(first)) {
    yield make("otsu", first);
    return;
  }
  const postponed = []; // on uneven paper rules and shadows are below Otsu's threshold
  for (const [source, find] of listOtsuInks(first, gray)) {
    const ink = find();
    if (!ink || (ink === first ? isUniform : isUniformBackground(ink))) yield make(source, ink);
    else postponed.push(make(source, ink));
  }
  const sides = UNET_SIDES_PX.map((side) => Math.min(side, MAX_ZOOM * Math.max(gray.width, gray.height)));
  const upright = [];
  for (const side of new Set(sides)) {
    const ink = await findUnetInk(gray, side);
    const aboveLine = ink && eraseUnderlines(ink);
    if (aboveLine) yield make("unet", aboveLine);
    yield make("unet", ink);
    if (ink) upright.push(ink);
  }
  yield* postponed;
  if (!upright.length) return;
  const sideways = await findUnetInk(rotate(gray, 1), sides[0]);
  const turned = [[1, 0, sideways], [3, 2, sideways], ...upright.map((ink) => [2, 2, ink])];
  for (const [quarters, more, ink] of turned)
    if (ink) yield make("rotated", rotateInk(ink, more), { gray: rotate(gray, quarters), quarters });
}

// List the ink by Otsu's threshold: as found first, inverted if a digit may fill its picture, in even light.
function listOtsuInks(first, gray) {
  const inks = [["otsu", () => first]];
  if (first && isOnAllEdges(first.mask)) inks.push(["inverted", () => findOtsuInk(gray, !first.dark)]);
  const scale = Math.min(1, UNET_SIDES_PX.at(-1) / Math.max(gray.width, gray.height));
  const size = [gray.width, gray.height].map((length) => Math.max(1, roundEven(length * scale)));
  return [...inks, ["flat field", () => findOtsuInk(flattenIllumination(resize(gray, ...size, byArea)))]];
}

function isOnAllEdges({ width, height, data }) {
  const [left, top, right, bottom] = findInkBox({ width, height, data }, 0);
  return left === 0 && top === 0 && right === width && bottom === height;
}

// Return whether the paper varies little, and no component spans the picture.
function isUniformBackground({ mask, variation }) {
  if (variation >= MAX_UNIFORM_VARIATION) return false;
  return !findComponents(mask).parts.some((p) => p.right - p.left === mask.width || p.bottom - p.top === mask.height);
}

// Return whether ink on a uniform background is a few thin strokes on a clean one.
function isDrawing({ mask, variation }) {
  const strokes = findComponents(mask).parts.length;
  if (variation > MAX_DRAWING_VARIATION || strokes > MAX_DRAWING_STROKES) return false;
  if (strokes === 1) return true;
  const farthest = computeDistances(mask, STEPS_3).data.reduce((a, b) => Math.max(a, b));
  return 2 * farthest < MAX_STROKE_SHARE * Math.max(mask.width, mask.height);
}

// Return the box of a small part of a picture with all its ink, or null.
function findSmallPart(ink, { width, height }) {
  const { mask } = ink ?? {};
  const unit = mask ? Math.max(width, height) / Math.max(mask.width, mask.height) : 0;
  if (unit < MIN_ZOOM || !isUniformBackground(ink)) return null;
  const [left, top, right, bottom] = findInkBox(mask, 0);
  const margin = Math.max(right - left, bottom - top); // paper around the ink, for the threshold
  if (3 * margin * MIN_ZOOM > Math.max(mask.width, mask.height)) return null;
  const box = [left - margin, top - margin, right + margin, bottom + margin].map((edge) => roundEven(edge * unit));
  return [Math.max(0, box[0]), Math.max(0, box[1]), Math.min(width, box[2]), Math.min(height, box[3])];
}

function cropPicture({ width, data }, [left, top, right, bottom]) {
  const channels = 4;
  const part = raster(right - left, bottom - top, new data.constructor(channels * (right - left) * (bottom - top)));
  for (let y = top; y < bottom; y++)
    part.data.set(data.subarray(channels * (y * width + left), channels * (y * width + right)), channels * (y - top) * part.width);
  return part;
}

const rotateInk = (ink, quarters) => ({ ...ink, coverage: rotate(ink.coverage, quarters), mask: rotate(ink.mask, quarters) });

// Return an upper bound of `computeLogOdds`: all common terms but that of no ink are at most 0.
function boundLogOdds({ source, ink, isUniform }) {
  const [constant, uniform, atEdge, noText, oneDigit] = SOURCE_WEIGHTS[source];
  return constant + uniform * isUniform + Math.max(0, atEdge) + Math.max(0, noText, oneDigit) + (ink ? 0 : COMMON_WEIGHTS[0]);
}

// Return the log-odds that a reading is entirely right: a logistic regression.
function computeLogOdds({ source, ink, isUniform, box }, { digits, text }) {
  const read = digits.filter((digit) => !isRefused(digit));
  const logs = read.map((digit) => Math.log(Math.max(jointProb(digit), MIN_JOINT_PROB)));
  const refused = digits.filter(isRefused).map(explainedArea);
  const features = [
    1, isUniform, read.some((digit) => isAtEdge(digit, box)), !text, read.length === 1,
    !ink, text ? 0 : Math.min(MAX_HOLES, refused.length), sum(logs), Math.min(0, ...logs),
    text ? sum(refused) / sum(digits.map(explainedArea)) : 0, Math.min(MAX_HOLES, text.split(HOLE).length - 1),
  ];
  return sum([...SOURCE_WEIGHTS[source], ...COMMON_WEIGHTS].map((weight, k) => weight * features[k]));
}
