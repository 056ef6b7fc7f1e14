// The digit network's layers, from the weights in its ONNX file, as `explanation/activations.py` and `cell_sum.py`.
// A stage is {maps, count, side}: the normalized ink, each layer's output, the logits. A cell is [stage, map, row, column].
import { clip } from "./strokes.js";
import settings from "./settings.js";

const { FRAME, INK_MEAN, INK_STD, LABEL_ERROR_RATE, MAX_MAPS, MAX_TERMS, REJECTION } = settings;
const ARRAYS = { 1: Float32Array, 2: Uint8Array, 3: Int8Array, 6: Int32Array }; // by ONNX's number of the type
const EPSILON = 1e-5; // of batch normalization
const range = (length, value) => Array.from({ length }, (_, k) => value(k));
const sumExp = (values) => values.reduce((sum, v) => sum + Math.exp(v - Math.max(...values)), 0);
const logSumExp = (values) => Math.max(...values) + Math.log(sumExp(values));

// Yield the fields of a protobuf message, [number, value]: a number, or bytes.
function* readFields(bytes) {
  let at = 0;
  const readNumber = () => {
    for (let [value, scale] = [0, 1]; ; scale *= 128) {
      value += (bytes[at] & 127) * scale;
      if (bytes[at++] < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = readNumber();
    if (!(key & 7)) yield [key >> 3, readNumber()];
    else {
      const length = (key & 7) === 2 ? readNumber() : (key & 7) === 5 ? 4 : 8;
      yield [key >> 3, bytes.subarray(at, (at += length))];
    }
  }
}
const listFields = (bytes, number) => [...readFields(bytes)].filter(([other]) => other === number).map(([, value]) => value);

// Return the layers of an ONNX file, each {kernel, inputs, outputs, size, stride, padding, pool, bias, gain, shift}.
export function parseLayers(file) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  const [graph] = listFields(file, 7);
  const tensors = new Map(listFields(graph, 5).map((tensor) => [text(listFields(tensor, 8)[0]), tensor]));
  const nodes = listFields(graph, 1).map((node) => {
    const [inputs, outputs, [kind]] = [1, 2, 4].map((number) => listFields(node, number).map(text));
    const pads = listFields(node, 5).find((attribute) => text(listFields(attribute, 1)[0]) === "pads");
    return { inputs, outputs, kind, padding: pads ? listFields(pads, 8)[0] : 0 };
  });
  const quantized = new Map(nodes.filter(({ kind }) => kind === "DequantizeLinear").map(({ inputs, outputs }) => [outputs[0], inputs]));
  const getValues = (name) => {
    if (quantized.has(name)) {
      const [values, scales] = quantized.get(name).map(getValues);
      return Float32Array.from(values, (v, k) => v * scales[Math.floor((k * scales.length) / values.length)]);
    }
    const raw = listFields(tensors.get(name), 9)[0] ?? listFields(tensors.get(name), 4)[0]; // raw, or floats
    return new ARRAYS[listFields(tensors.get(name), 2)[0]](raw.slice().buffer);
  };
  const layers = [];
  for (const { kind, inputs, padding } of nodes) {
    if (kind === "Conv" || kind === "Gemm") {
      const [outputs, count, size = 1] = listFields(tensors.get(quantized.get(inputs[1])?.[0] ?? inputs[1]), 1);
      const bias = inputs[2] ? getValues(inputs[2]) : new Float32Array(outputs);
      const [gain, shift] = [1, 0].map((v) => new Float32Array(outputs).fill(v));
      layers.push({ kernel: getValues(inputs[1]), inputs: count, outputs, size, stride: 1, padding, pool: 1, bias, gain, shift });
    } else if (kind === "MaxPool") layers.at(-1).pool = 2;
    else if (kind === "BatchNormalization") {
      const [scale, offset, mean, variance] = inputs.slice(1).map(getValues);
      const gain = scale.map((v, k) => v / Math.sqrt(variance[k] + EPSILON));
      Object.assign(layers.at(-1), { gain, shift: offset.map((v, k) => v - mean[k] * gain[k]) });
    }
  }
  return [joinPixels(layers[0]), ...layers.slice(1)];
}
// The first kernels see four channels, of 2 x 2 pixels: write them as kernels over pixels.
function joinPixels({ kernel, size, ...layer }) {
  const wide = 2 * size;
  const pixels = kernel.map((_, k) => {
    const [map, row, column] = [Math.floor(k / wide ** 2), Math.floor(k / wide) % wide, k % wide];
    return kernel[((4 * map + 2 * (row % 2) + (column % 2)) * size + (row >> 1)) * size + (column >> 1)];
  });
  return { ...layer, kernel: pixels, inputs: 1, size: wide, stride: 2 };
}

export class Layers {
  constructor(layers, ink) {
    this.layers = layers;
    this.stages = [{ maps: ink.map((v) => (v - INK_MEAN) / INK_STD), count: 1, side: FRAME }];
    layers.forEach((_, k) => this.stages.push(this.computeStage(k)));
  }
  computeStage(k) {
    const { outputs, size, stride, padding, pool } = this.layers[k];
    const side = Math.floor((this.stages[k].side + 2 * padding - size) / stride + 1) / pool;
    const least = k === this.layers.length - 1 ? -Infinity : 0; // ReLU
    const maps = new Float32Array(outputs * side ** 2);
    maps.forEach((_, at) => {
      const cell = [Math.floor(at / side ** 2), Math.floor(at / side) % side, at % side];
      maps[at] = Math.max(least, this.scale(k, cell[0], Math.max(...this.computeWindow(k, ...cell))));
    });
    return { maps, count: outputs, side };
  }
  scale = (k, map, sum) => sum * this.layers[k].gain[map] + this.layers[k].shift[map];
  // The sums of which pooling keeps the largest, before normalization; without pooling a single one.
  computeWindow(k, map, row, column) {
    const { pool } = this.layers[k];
    return range(pool ** 2, (at) => this.computeSum(k, map, row * pool + Math.floor(at / pool), column * pool + (at % pool)));
  }
  computeSum(k, map, row, column) {
    const [{ kernel, inputs, size, stride, padding, bias }, { maps, side }] = [this.layers[k], this.stages[k]];
    const [top, left] = [row * stride - padding, column * stride - padding];
    let sum = bias[map];
    for (let c = 0; c < inputs; c++)
      for (let y = Math.max(0, -top); y < Math.min(size, side - top); y++) {
        const [weights, values] = [((map * inputs + c) * size + y) * size, (c * side + top + y) * side + left];
        for (let x = Math.max(0, -left); x < Math.min(size, side - left); x++) sum += kernel[weights + x] * maps[values + x];
      }
    return sum;
  }

  has(cell) {
    const { count, side } = this.stages[cell[0]] ?? { count: 0, side: 0 };
    return cell.length === 4 && [count, side, side].every((end, k) => cell[k + 1] >= 0 && cell[k + 1] < end);
  }
  // Write out the sum of a cell: the largest terms, each of one map of the stage before.
  writeOut([stage, map, row, column]) {
    const k = stage - 1;
    const [{ kernel, inputs, size, stride, padding, pool, bias, gain }, { maps, side }] = [this.layers[k], this.stages[k]];
    const sums = this.computeWindow(k, map, row, column);
    const kept = sums.indexOf(Math.max(...sums));
    const corner = [row * pool + Math.floor(kept / pool), column * pool + (kept % pool)].map((v) => v * stride - padding);
    const terms = range(inputs, (c) => {
      const at = (y, x) => (y < 0 || x < 0 || y >= side || x >= side ? 0 : maps[(c * side + y) * side + x]);
      const patch = range(size, (y) => range(size, (x) => at(corner[0] + y, corner[1] + x)));
      const weights = range(size, (y) => range(size, (x) => kernel[((map * inputs + c) * size + y) * size + x] * gain[map]));
      const products = patch.flatMap((values, y) => values.map((v, x) => v * weights[y][x]));
      const strongest = products.reduce((most, v, n) => (Math.abs(v) > Math.abs(products[most]) ? n : most), 0);
      const place = [Math.floor(strongest / size), strongest % size].map((v, axis) => clip(corner[axis] + v, 0, side - 1));
      return { source: [k, c, ...place], patch, kernel: weights, total: products.reduce((a, b) => a + b) };
    }).sort((a, b) => Math.abs(b.total) - Math.abs(a.total));
    const rest = terms.slice(MAX_TERMS).reduce((sum, { total }) => sum + total, 0);
    const pooled = sums.map((sum) => this.scale(k, map, sum));
    return { terms: terms.slice(0, MAX_TERMS), maps: inputs, rest, bias: this.scale(k, map, bias[map]), pooled, kept };
  }
  // Return the cells along the strongest terms from a cell to a pixel of the ink.
  follow(cell) {
    if (!cell[0]) return [];
    const { source } = this.writeOut(cell).terms[0];
    return [source, ...this.follow(source)];
  }
  describeCell([stage, map, row, column]) {
    const { maps, side } = this.stages[stage];
    const values = maps.subarray(map * side ** 2, (map + 1) * side ** 2);
    return { stage, map, row, column, behind: this.layers.length - stage, value: values[row * side + column], values: values.map((v) => Math.max(0, v) / Math.max(1e-6, ...maps)), id: [stage, map, row, column].join("-") };
  }

  get features() {
    return this.stages.at(-2).maps;
  }
  // What the page shows of each layer: its strongest maps, relative to their maximum; and the features' contributions.
  summarize() {
    const stages = this.stages.slice(1, -2).map(({ maps, count, side }, k) => {
      const getMap = (map) => maps.subarray(map * side ** 2, (map + 1) * side ** 2);
      const total = range(count, (map) => getMap(map).reduce((a, b) => a + b));
      const shown = [...total.keys()].sort((a, b) => total[b] - total[a]).slice(0, MAX_MAPS);
      const part = shown.flatMap((map) => [...getMap(map)]);
      const { size, stride, padding, pool } = this.layers[k];
      return { maps: part.map((v) => v / Math.max(...part)), shown, total: count, side, step: [size + (pool - 1) * stride, stride * pool, padding] };
    });
    const [features, logits, weights] = [[...this.features], [...this.stages.at(-1).maps], this.layers.at(-1).kernel];
    const contributions = range(10, (digit) => features.map((v, k) => {
      const kinds = [digit, digit + 10].map((row) => [Math.exp(logits[row] - Math.max(logits[digit], logits[digit + 10])), weights[row * features.length + k]]);
      return (v * kinds.reduce((sum, [share, weight]) => sum + share * weight, 0)) / (kinds[0][0] + kinds[1][0]);
    }));
    return { stages, features, logits, contributions, scores: getDigitLogits(logits) };
  }
}
export const getDigitLogits = (logits) => range(10, (k) => logSumExp([logits[k], logits[k + 10]]));
export const getLead = (logits, digit) => {
  const digits = getDigitLogits(logits);
  return digits[digit] - logSumExp([...digits.filter((_, k) => k !== digit), logits[20], logits[21]]);
};
// Every step from class logits to probabilities and rejection, as `ui/decision.py`.
export function explainDecision(logits) {
  const [temperature, ceiling, scale] = REJECTION;
  const both = getDigitLogits(logits);
  const scaled = both.map((v) => v / temperature);
  const exp = scaled.map((v) => Math.exp(v - Math.max(...scaled)));
  const share = exp.map((v) => v / sumExp(scaled));
  const [digit, other] = [logits.slice(0, 20), logits.slice(20)].map(logSumExp);
  const excess = (other - digit - ceiling) / scale;
  const probabilities = share.map((v) => (1 - LABEL_ERROR_RATE) * v + LABEL_ERROR_RATE / 10);
  const alone = { probabilities, not_a_digit: 1 / (1 + Math.exp(-excess)) };
  return { logits, digits: { both, "÷ T": scaled, exp, share }, rejection: [temperature, other, digit, ceiling, scale, excess], stages: [["network", alone]] };
}
