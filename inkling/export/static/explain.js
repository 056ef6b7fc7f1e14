// The worker that explains: evidence, changes, candidates and layers; it also decodes pictures.
import { findChange } from "./change.js";
import { findEvidence } from "./evidence.js";
import { Layers, explainDecision, getDigitLogits, getLead, parseLayers } from "./layers.js";
import { connect } from "./messages.js";
import { drawPath } from "./strokes.js";
import { decode } from "./pictures.js";
import settings from "./settings.js";

const { DIGIT, FRAME } = settings;
const CLASS_COUNT = 22;
const STYLE_PEN_PX = 2.4; // MNIST's median stroke
let network = null; // promise of its layers
let styles = null; // promise, of each digit: [{name, aspect, points, strokes, directions, length}]

async function loadLayers() {
  const file = await fetch("digits.onnx.gz");
  if (!file.ok) throw new Error(`${file.url}: ${file.status}`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b; // some servers make the browser decompress it
  const unpacked = () => new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return parseLayers(isPacked ? new Uint8Array(await unpacked()) : bytes);
}
const getLayers = async (ink) => new Layers(await (network ??= loadLayers()), ink);
const loadStyles = async () => (await (await fetch("styles.json")).json()).map((digit) => digit.map(unpackStyle));
const getStyles = async (digit) => (await (styles ??= loadStyles()))[digit];
const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
function unpackStyle({ name, aspect, points, strokes, features }) {
  const numbers = toBytes(points);
  const path = [...strokes].map((_, k) => [numbers[2 * k] / 255, numbers[2 * k + 1] / 255]);
  const directions = [...new Int8Array(toBytes(features).buffer)];
  return { name, aspect, points: path, strokes: [...strokes], directions, length: Math.hypot(...directions) };
}

// The reader's worker predicts for this one.
async function computeLogits(inks) {
  const batch = new Float32Array(inks.length * FRAME ** 2);
  inks.forEach((ink, k) => batch.set(ink, k * FRAME ** 2));
  const { class_logits } = await ask({ kind: "predict", inks: batch });
  return inks.map((_, k) => [...class_logits.subarray(k * CLASS_COUNT, (k + 1) * CLASS_COUNT)]);
}
const computeDigitLogits = async (inks) => (await computeLogits(inks)).map(getDigitLogits);
const findChangeTo = async (ink, digit) =>
  findChange(ink, await getStyles(digit), async (inks) => (await computeLogits(inks)).map((logits) => getLead(logits, digit)));

async function explain({ ink, answer, rival, requested, isUnsure, opened }) {
  const evidence = await findEvidence(ink, answer, rival, computeDigitLogits);
  const change = requested === null ? null : await findChangeTo(ink, requested);
  const layers = opened || isUnsure ? await getLayers(ink) : null;
  const candidates = isUnsure && requested === null ? await Promise.all([answer, rival].map((digit) => describeCandidate(ink, digit, layers.features))) : null;
  return { evidence, change, candidates, layers: opened ? openLayers(layers, opened) : null };
}
async function describeCandidate(ink, digit, features) {
  const getSimilarity = ({ directions, length }) => directions.reduce((sum, v, k) => sum + v * features[k], 0) / length;
  const nearest = (await getStyles(digit)).reduce((best, style) => (getSimilarity(style) > getSimilarity(best) ? style : best));
  const change = await findChangeTo(ink, digit);
  return { digit, similar: [{ ink: drawStyle(nearest), name: `“${nearest.name}”` }], advice: change?.words ?? "" };
}
// Draw a style of writing in the middle of the frame.
function drawStyle({ points, strokes, aspect }) {
  const size = [DIGIT, DIGIT * aspect].map((v) => v / Math.max(1, aspect) - STYLE_PEN_PX);
  const place = points.map((point) => point.map((v, axis) => v * size[axis] + (FRAME - 1 - size[axis]) / 2));
  const paths = [...new Set(strokes)].map((stroke) => drawPath(place.filter((_, k) => strokes[k] === stroke), STYLE_PEN_PX));
  return paths[0].map((_, k) => Math.max(...paths.map((path) => path[k])));
}
function openLayers(layers, { count, probabilities, not_a_digit }) {
  const found = layers.summarize();
  const decision = explainDecision(found.logits);
  if (count > 1) decision.stages.push(["number", { probabilities, not_a_digit }]);
  return { ...found, decision };
}

// Return a cell's sum and its trail to the ink.
async function writeSum({ ink, trail, at, exact }) {
  const layers = await getLayers(ink);
  const cells = trail.map((cell) => cell.split("-").map(Number)).filter((cell) => layers.has(cell));
  if (!cells[at]) return {};
  cells.push(...layers.follow(cells.at(-1)));
  const [stage, , row, column] = cells[at];
  const computed = stage ? layers.writeOut(cells[at]) : null;
  const sources = computed?.terms.map(({ source }) => layers.describeCell(source)) ?? [];
  return { sum: { trail: cells.map((cell) => layers.describeCell(cell)), at, exact, computed, sources, ink: ink[row * FRAME + column] } };
}

const handlers = { load: async () => ({}), explain, decode, sum: writeSum };
const ask = connect(self, ({ kind, ...message }) => handlers[kind](message));
