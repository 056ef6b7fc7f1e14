// Load the three networks, and convert pictures to their inputs, as `ink_finder.py` and `line_net.py` in Python.
import { blur, byArea, clamp, convert, crop, cubically, dilate, findComponents, map, place, raster, resize, roundEven, select, sum } from "./raster.js";
import { findInkBox } from "./frame.js";
import { cleanInk } from "./ink.js";
import { Transcription } from "./transcription.js";
import settings from "./settings.js";

const { FRAME, MIN_SPREAD, MAX_DEVIATION, INK_NET_MULTIPLE_PX, MIN_ZOOM, CROP_MARGIN_SHARE, ZOOMED_TEXT_PX } = settings;
const { MAX_CROP_PX, LINE_HEIGHT_PX, MAX_LINE_WIDTH_PX, LOCAL_WINDOW_PX, LINE_MULTIPLE_PX, LINE_MARGIN_SHARE } = settings;
const CLASS_COUNT = 11; // of the line network: ten digits and none
let ort;
const sessions = {};

// Load the runtime from `module`, its compressed WebAssembly, and the networks, from the folder of this script.
export async function loadNetworks() {
  ort = await import("./ort.wasm.bundle.min.js");
  const fetchBytes = async (name) => {
    const file = await fetch(new URL(name, import.meta.url));
    if (!file.ok) throw new Error(`${file.url}: ${file.status}`);
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes; // some servers make the browser decompress it
    return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  };
  const names = ["digits", "ink", "line"];
  const [runtime, ...files] = await Promise.all(["ort-wasm-simd-threaded.wasm", ...names.map((name) => `${name}.onnx`)].map((name) => fetchBytes(`${name}.gz`)));
  ort.env.wasm.wasmBinary = runtime.buffer;
  ort.env.wasm.numThreads = 1; // more threads need headers that plain web servers do not send
  for (const [k, name] of names.entries()) sessions[name] = await ort.InferenceSession.create(files[k]);
  await predictInks(new Float32Array(FRAME * FRAME)); // warm-up
}

async function run(name, data, shape) {
  const found = await sessions[name].run({ [sessions[name].inputNames[0]]: new ort.Tensor("float32", data, shape) });
  return Object.fromEntries(Object.entries(found).map(([key, tensor]) => [key, tensor.data]));
}

// Predict framed ink of N glyphs: the arrays of the outputs of `digits.onnx`.
export const predictInks = (inks) => run("digits", inks, [inks.length / FRAME ** 2, 1, FRAME, FRAME]);

// Find ink with the network, which sees gray at a longest side in px; null if there is none.
export async function findUnetInk(gray, side) {
  const probs = await refineSmallText(gray, await computeInkProbs(gray, side));
  const mask = map(probs, (p) => p > 0.5, Uint8Array);
  if (!mask.data.includes(1)) return null;
  const small = resize(gray, mask.width, mask.height, byArea).data;
  const around = convert(dilate(mask, 3).data, (near, k) => near - mask.data[k], Uint8Array);
  const mean = (isInside) => sum(select(small, isInside)) / sum(isInside); // NaN if there is none
  const dark = !(mean(mask.data) >= mean(around));
  return cleanInk({ coverage: probs, mask, dark, notes: ["ink on uneven or patterned paper"], variation: 1 });
}

// Compute the probabilities again in an enlarged crop, if the text is small.
async function refineSmallText(gray, probs) {
  const mask = map(probs, (p) => p > 0.5, Uint8Array);
  const { parts } = findComponents(mask);
  const unit = Math.max(gray.width, gray.height) / Math.max(probs.width, probs.height);
  if (!parts.length || unit < MIN_ZOOM) return probs;
  const area = sum(parts.map((part) => part.area));
  const height = sum(parts.map((part) => part.area * (part.bottom - part.top))) / area;
  const [l, t, r, b] = findInkBox(mask, 0);
  const [left, top, width, tall] = [l, t, r - l, b - t].map((edge) => roundEven(edge * unit));
  const margin = roundEven(CROP_MARGIN_SHARE * height * unit);
  const corner = [Math.max(0, left - margin), Math.max(0, top - margin)];
  const end = [Math.min(gray.width, left + width + margin), Math.min(gray.height, top + tall + margin)];
  const longest = Math.max(end[0] - corner[0], end[1] - corner[1]);
  const scale = Math.min(1, ZOOMED_TEXT_PX / height / unit, MAX_CROP_PX / longest);
  if (scale * unit < MIN_ZOOM) return probs;
  const found = await computeInkProbs(crop(gray, [...corner, ...end]), roundEven(longest * scale));
  return place(found, ...[gray.width, gray.height, ...corner].map((length) => roundEven(length * scale)));
}

async function computeInkProbs(gray, side) {
  const scale = side / Math.max(gray.width, gray.height);
  const [width, height] = [gray.width, gray.height].map((length) => Math.max(2, roundEven(length * scale)));
  const small = resize(gray, width, height, scale < 1 ? byArea : cubically);
  const [wide, high] = [width, height].map((length) => Math.ceil(length / INK_NET_MULTIPLE_PX) * INK_NET_MULTIPLE_PX);
  const mirror = (k, length) => Math.min(k % (2 * length), 2 * length - 1 - (k % (2 * length)));
  const filled = map(raster(wide, high), (_, k) => small.data[mirror(Math.floor(k / wide), height) * width + mirror(k % wide, width)]);
  const { probs } = await run("ink", standardize(filled, Math.floor(Math.max(wide, high) / 8) | 1), [1, 2, high, wide]);
  return crop(raster(wide, high, probs), [0, 0, width, height]);
}

// Standardize gray globally and in a window: two rasters' data in one array.
function standardize({ width, height, data }, window) {
  const mean = sum(data) / data.length;
  const spread = Math.sqrt(data.reduce((total, v) => total + (v - mean) ** 2, 0) / data.length);
  const means = blur({ width, height, data }, window).data;
  const squares = blur({ width, height, data: data.map((v) => v * v) }, window).data;
  const limit = (v) => clamp(v, -MAX_DEVIATION, MAX_DEVIATION);
  const result = new Float32Array(2 * data.length);
  data.forEach((v, k) => {
    result[k] = limit((v - mean) / Math.max(spread, MIN_SPREAD));
    const local = Math.max(0, squares[k] - means[k] ** 2) + (0.1 * spread) ** 2 + 1e-8;
    result[data.length + k] = limit((v - means[k]) / Math.sqrt(local));
  });
  return result;
}

// Return a function that transcribes a segment of ink from the gray that it was found in.
export function makeTranscriber(gray, ink) {
  const [unitX, unitY] = [gray.width / ink.coverage.width, gray.height / ink.coverage.height];
  return async ({ box }) => {
    const margin = LINE_MARGIN_SHARE * (box[3] - box[1]);
    const left = Math.max(0, Math.floor((box[0] - margin) * unitX));
    const top = Math.max(0, Math.floor((box[1] - margin) * unitY));
    const right = Math.min(gray.width, Math.ceil((box[2] + margin) * unitX));
    const line = crop(gray, [left, top, right, Math.min(gray.height, Math.ceil((box[3] + margin) * unitY))]);
    const width = clamp(roundEven((line.width * LINE_HEIGHT_PX) / line.height), 8, MAX_LINE_WIDTH_PX);
    const small = resize(line, width, LINE_HEIGHT_PX, line.height > LINE_HEIGHT_PX ? byArea : cubically);
    const wide = Math.ceil(width / LINE_MULTIPLE_PX) * LINE_MULTIPLE_PX;
    const layers = raster(width, 2 * LINE_HEIGHT_PX, standardize(small, LOCAL_WINDOW_PX));
    const { log_probs } = await run("line", place(layers, wide, 2 * LINE_HEIGHT_PX, 0, 0).data, [1, 2, LINE_HEIGHT_PX, wide]);
    const unit = line.width / width;
    return new Transcription(raster(CLASS_COUNT, log_probs.length / CLASS_COUNT, log_probs), (x) => (left + x * unit) / unitX - box[0]);
  };
}
