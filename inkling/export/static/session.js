// The state of the page, and what is found about its picture, as `ui/session.py` in Python.
// `pad_requests.js` calls `read` and `preview`, which take the place of the server.
import { assembleReading } from "./reading.js";
import settings from "./settings.js";
import { isUnsure, rank, renderFindings, renderPreview, renderSum } from "./views.js";

const { DOT_NOTE, EXAMPLES, FRAME, MAX_DOT_SHARE, MAX_UPLOAD_BYTES, SKETCH_SIDE_PX } = settings;
const NO_READING = { text: "", note: "", seen: "", digits: [] };
const NO_PICTURE = { data: "", size: [1, 1] };

export class Session {
  reading = NO_READING;
  picture = NO_PICTURE;
  chosen = 0;
  rival = null; // the digit compared with the answer; null: the runner-up
  unedited = null; // the reading before pixels were changed
  count = 0;
  expanded = "";
  explainedMs = 0;

  constructor(reader, explainer) {
    this.reader = reader;
    this.explainer = explainer;
    this.started = new Promise((done) => (this.start = done));
    const actions = { sketch: "readSketch", picture: "readPicture", example: "readExample", digit: "readDigit", apply_change: "applyChange", edit: "edit" };
    this.actions = Object.fromEntries(Object.entries(actions).map(([name, method]) => [name, this[method].bind(this)]));
    this.actions.choose = (glyph) => this.set({ chosen: +glyph, rival: null });
    this.actions.compare = (digit) => this.set({ rival: +digit });
    this.actions.expand = () => {};
  }
  set(changes) {
    Object.assign(this, changes);
  }

  read = async ({ actions, expanded }) => {
    await this.started;
    this.expanded = expanded;
    const [last] = actions.at(-1);
    if (last === "data") return this.buildDownload();
    for (const [name, value] of actions) await this.actions[name]?.(value);
    this.count++;
    return renderFindings(await this.find());
  };
  preview = async ({ size, strokes }) => {
    await this.started;
    const { reading } = await this.reader({ kind: "sketch", drawing: { size, strokes } });
    return !reading || isDots(strokes) ? null : renderPreview({ ...this.describe(convert(reading)), digit: convert(reading).digits[0] ?? null });
  };
  render = () => renderFindings(this.describe(this.reading));

  withReading(reading = NO_READING, picture = NO_PICTURE) {
    this.set({ reading: convert(reading), picture, chosen: 0, rival: null, unedited: null });
  }
  async readSketch({ size, strokes }) {
    if (!strokes.length) return this.withReading();
    const { reading } = await this.reader({ kind: "sketch", drawing: { size, strokes } });
    if (!reading) return; // a newer drawing follows
    const side = SKETCH_SIDE_PX;
    this.withReading(isDots(strokes) ? { ...NO_READING, note: DOT_NOTE } : reading, { data: drawStrokes(strokes, size), size: [side, side] });
  }
  async readPicture(file) {
    if (!file) return this.withReading();
    if (file.megabytes) return this.fail(`the file has ${file.megabytes} MB, and the limit is ${Math.floor(MAX_UPLOAD_BYTES / 1e6)}: make it smaller.`);
    const { refusal, pixels, picture } = await this.explainer({ kind: "decode", file });
    if (refusal) return this.fail(refusal);
    const { reading } = await this.reader({ kind: "picture", pixels });
    this.withReading(reading, picture);
  }
  fail(error) {
    this.withReading({ ...NO_READING, error });
  }
  readExample = async (k) => this.readPicture(await (await fetch(EXAMPLES[k])).blob());
  // One of the card's misread digits, which is framed already.
  async readDigit(k) {
    const button = document.querySelector(`#more [data-pick="${k}"]`);
    const { src } = button.querySelector("img");
    const { pixels } = await this.explainer({ kind: "decode", file: new Blob([Uint8Array.from(atob(src.split(",")[1]), (c) => c.charCodeAt(0))]) });
    const ink = Float32Array.from({ length: FRAME ** 2 }, (_, at) => 1 - pixels.data[4 * at] / 255);
    this.withReading(assembleReading([await this.predict(ink, { box: [0, 0, FRAME, FRAME] })], [`one of MNIST's test digits, a ${parseInt(button.textContent)}`]), { data: src, size: [FRAME, FRAME] });
  }
  async predict(ink, glyph) {
    const { probabilities, not_a_digit, several } = await this.reader({ kind: "predict", inks: ink });
    return { ...glyph, ink, lineProbs: undefined, probabilities: [...probabilities], not_a_digit: not_a_digit[0], multiDigitLogit: several[0] };
  }
  async edit(text) {
    if (text === null) return this.set({ reading: this.unedited ?? this.reading, unedited: null, rival: null });
    await this.withInk(Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255));
  }
  async withInk(ink) {
    const { reading, chosen } = this;
    const digits = reading.digits.length ? [...reading.digits] : [{ box: [0, 0, 1, 1] }];
    digits[chosen] = await this.predict(ink, digits[chosen]);
    const edited = ink.some((v) => v > 0) ? convert({ ...reading, ...assembleReading(digits, []), seen: reading.seen }) : NO_READING;
    this.set({ unedited: this.unedited ?? reading, reading: edited, rival: null });
  }
  async applyChange() {
    const { change } = await this.find();
    if (change) await this.withInk(change.ink);
  }

  describe(reading) {
    const { picture, chosen, count, unedited } = this;
    return { reading, picture, chosen, count, unedited, digit: reading.digits[chosen] ?? null, requested: null };
  }
  // Compute everything that the page shows of the present picture.
  async find() {
    const findings = this.describe(this.reading);
    const { digit } = findings;
    if (!digit) return findings;
    const [best, second] = rank(digit);
    const requested = this.rival === best ? null : this.rival;
    const question = { ink: digit.ink, answer: best, rival: requested ?? second, requested, isUnsure: isUnsure(digit) };
    const { probabilities, not_a_digit } = digit;
    const opened = this.expanded.includes("inside") && { probabilities, not_a_digit, count: this.reading.digits.length };
    const start = performance.now();
    const found = await this.explainer({ kind: "explain", ...question, opened });
    this.explainedMs = performance.now() - start;
    return { ...findings, ...found, requested };
  }
  async renderSum(pick) {
    const digit = this.reading.digits[this.chosen];
    if (!digit) return "";
    const { sum } = await this.explainer({ kind: "sum", ink: digit.ink, ...pick });
    return sum ? renderSum(sum) : "";
  }
  buildDownload() {
    const { text, note, seen, error, digits } = this.reading;
    if (!digits.length) return null;
    const fields = ({ digit, confidence, probabilities, not_a_digit, box }) => ({ digit, confidence, probabilities, not_a_digit, box });
    const content = JSON.stringify({ text, note: error ? `error: ${error}` : note, seen, digits: digits.map(fields) }, null, 1);
    return { name: `inkling-${text.replaceAll("?", "_") || "none"}.json`, type: "application/json", content };
  }
}

// Add what templates and the page use to a reading.
function convert(reading) {
  const digits = reading.digits.map((digit) => {
    const best = rank(digit)[0];
    const confidence = digit.probabilities[best];
    return { ...digit, best, confidence, digit: digit.not_a_digit > 0.5 ? null : best, glyph: { ink: digit.ink, box: digit.box } };
  });
  return { ...reading, digits, seen: Array.isArray(reading.seen) ? reading.seen.join("; ") : reading.seen };
}

// Return whether the pen only tapped, as `Sketch.is_dots`.
function isDots(strokes) {
  const drawn = strokes.filter(({ erases }) => !erases);
  const isDot = ({ width, points }) => [0, 1].every((axis) => {
    const along = points.filter((_, k) => k % 2 === axis);
    return Math.max(...along) - Math.min(...along) < MAX_DOT_SHARE * width;
  });
  return drawn.length > 0 && drawn.every(isDot);
}

// Return a drawing as a picture: an SVG.
function drawStrokes(strokes, size) {
  const lines = strokes.map(({ width, erases, points }) => {
    const [x, y] = points;
    return `<polyline points="${[...points, x + 0.01, y].slice(0, points.length > 2 ? points.length : 4).join(" ")}" stroke="${erases ? "#fff" : "#000"}" stroke-width="${width}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" fill="none" stroke-linecap="round" stroke-linejoin="round"><rect width="${size}" height="${size}" fill="#fff"/>${lines.join("")}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
