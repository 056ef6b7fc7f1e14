// Combine what the networks predict for a picture's glyphs, as `recognition/reading.py` in Python.
// A digit is {ink, box, frame, line, lineProbs, probabilities, not_a_digit, bestLogProb, multiDigitLogit}.
import { clamp, median, range, sum } from "./raster.js";
import settings from "./settings.js";

const { GLYPH_WEIGHT, CONTEXT_WEIGHT, HOLE, MIN_HOLE_SHARE, MAX_DASH_ASPECT, NO_DIGIT, BLANK, FRAME } = settings;

export const isRefused = (digit) => digit.not_a_digit > 0.5;
export const best = ({ probabilities }) => probabilities.reduce((at, p, k) => (p >= probabilities[at] ? k : at), 0);
export const confidence = (digit) => Math.max(...digit.probabilities);
export const jointProb = (digit) => confidence(digit) * (1 - digit.not_a_digit);
export const decisionLogProb = (digit) => (isRefused(digit) ? Math.log(digit.not_a_digit) : digit.bestLogProb);
export const logProb = (digit, k) => digit.bestLogProb + Math.log(digit.probabilities[k] / confidence(digit));

export function assembleReading(glyphs, seen) {
  const fused = glyphs.map(fuseLineProbs);
  const rejections = applyPageContext(fused.map((digit) => digit.not_a_digit));
  return buildReading(fused.map((digit, k) => ({ ...digit, not_a_digit: rejections[k] })), seen);
}

export function buildReading(digits, seen) {
  const text = digits.map((digit) => formatDigit(digit, digits)).join("");
  const holes = text.split(HOLE).length - 1;
  const hint = holes ? `${holes} of ${text.length} glyphs ${holes === 1 ? "was" : "were"} not read.` : "";
  return { digits, seen, text, note: !digits.length ? BLANK : text ? hint : NO_DIGIT };
}

// Multiply a digit's probabilities by those of its line, if it was transcribed.
function fuseLineProbs(digit) {
  if (!digit.lineProbs) return digit;
  const alone = [...digit.probabilities.map((p) => p * (1 - digit.not_a_digit)), digit.not_a_digit];
  const both = alone.map((p, k) => Math.max(p, 1e-6) ** GLYPH_WEIGHT * Math.max(digit.lineProbs[k], 1e-6));
  const ofDigits = sum(both.slice(0, 10));
  return { ...digit, probabilities: both.slice(0, 10).map((p) => p / ofDigits), not_a_digit: both[10] / sum(both) };
}

// Shift the logits of `not_a_digit` by the others' mean score: digits occur together.
function applyPageContext(rejections) {
  if (rejections.length < 2) return rejections;
  const scores = rejections.map((p) => 2 * p - 1);
  return rejections.map((p, k) => {
    const others = (sum(scores) - scores[k]) / (scores.length - 1);
    const alone = clamp(p, 1e-6, 1 - 1e-6);
    return 1 / (1 + (Math.exp(-CONTEXT_WEIGHT * others) * (1 - alone)) / alone);
  });
}

// Return the character that a digit adds to the text of all digits, or "".
function formatDigit(digit, digits) {
  if (!isRefused(digit)) return `${best(digit)}`;
  const line = digits.filter((other) => !isRefused(other) && other.line === digit.line);
  if (!line.length || longestSide(digit) < MIN_HOLE_SHARE * median(line.map(longestSide))) return "";
  return isDash(digit.ink) ? "" : HOLE;
}
const longestSide = ({ box: [left, top, right, bottom] }) => Math.max(right - left, bottom - top);

// Return whether framed ink is one straight stroke: by the least rectangle around it, of all at half degrees.
function isDash(ink) {
  const middle = ink.reduce((a, b) => Math.max(a, b)) / 2;
  const points = range(ink.length, (k) => [k % FRAME, Math.floor(k / FRAME)]).filter((_, k) => ink[k] > middle);
  const extent = (x, y) => {
    const along = points.map((point) => point[0] * x + point[1] * y);
    return Math.max(...along) - Math.min(...along);
  };
  const rectangles = range(180, (k) => {
    const [x, y] = [Math.cos((k * Math.PI) / 360), Math.sin((k * Math.PI) / 360)];
    return [extent(x, y), extent(-y, x)].sort((a, b) => a - b);
  });
  const [width, length] = rectangles.reduce((least, side) => (side[0] * side[1] < least[0] * least[1] ? side : least));
  return width <= MAX_DASH_ASPECT * length;
}

// Return the area of a glyph's box; a digit's at most that of a square.
export function explainedArea(digit) {
  const [left, top, right, bottom] = digit.box;
  const [width, height] = [right - left, bottom - top];
  return height * (isRefused(digit) ? width : Math.min(width, height));
}

export const isAtEdge = ({ box }, [left, top, right, bottom]) =>
  box[0] <= left || box[1] <= top || box[2] >= right || box[3] >= bottom;

// Drop glyphs that touch the edge of the picture and add nothing to the text.
export function dropEdgeFragments(reading, picture) {
  const { digits, text } = reading;
  const kept = digits.filter((digit) => formatDigit(digit, digits) || !isAtEdge(digit, picture));
  if (!text || kept.length === digits.length) return reading;
  return { ...reading, ...buildReading(kept, [...reading.seen, "pieces at the edge ignored"]) };
}
