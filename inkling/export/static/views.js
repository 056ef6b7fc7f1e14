// Render findings with the main page's templates, as `ui/views.py` and `ui/inside_views.py` in Python.
import "./templates.js";
import settings from "./settings.js";

const { DIGIT, FOR_COLOR, AGAINST_COLOR, FRAME, INK_MEAN, INK_STD, LABEL_ERROR_RATE, MIN_MARKED_EVIDENCE } = settings;
const { HOLE, MIN_SECOND_PROB, UNSURE_BELOW } = settings;
const { nunjucks } = globalThis;
nunjucks.installJinjaCompat();
const templates = new nunjucks.Environment(null, { autoescape: true, trimBlocks: true, lstripBlocks: true });
templates.addGlobal("local", true);
const CONVERSIONS = { d: (v) => `${Math.trunc(v)}`, s: String, f: (v, n) => v.toFixed(n), e: (v, n) => v.toExponential(n).replace(/e([+-])(\d)$/, "e$10$2") };
const percent = (share) => `${(100 * Math.min(Math.max(share, 0), 0.999)).toFixed(1)} %`;
const filters = {
  format: (text, ...values) => text.replace(/%(?:\.(\d+))?([dsfe%])/g, (_, n, kind) => (kind === "%" ? "%" : CONVERSIONS[kind](values.shift(), +n))),
  max: (values) => Math.max(...values),
  tojson: (value) => nunjucks.runtime.markSafe(JSON.stringify(value)),
  times: (grid, kernel) => new Grid(grid.values.map((row, y) => row.map((v, x) => v * kernel.values[y][x]))),
  count_ink: (ink) => ink.filter((v) => v > 0).length,
  ink_url: (ink) => drawPicture(ink, (v) => [0, 1, 2].map(() => 255 * (1 - v))),
  name_digit: (digit) => `${digit === 8 ? "An" : "A"} ${digit}`,
  percent,
};
for (const [name, filter] of Object.entries(filters)) templates.addFilter(name, filter);
export const render = (name, context) => templates.render(name, context);

// A matrix with the methods of NumPy that templates call.
class Grid {
  constructor(values) {
    this.values = values;
    this.size = values.flat().length;
  }
  max = () => Math.max(...this.values.flat());
  min = () => Math.min(...this.values.flat());
  tolist = () => this.values;
}
const findLargest = (values) => values.reduce((at, v, k) => (v > values[at] ? k : at), 0);
const withArgmax = (values, more) => Object.assign(values, { argmax: () => findLargest(values), size: values.length }, more);

function say(name, context) {
  const text = render("sentences.html", { name, ...context }).trim().split(/\s+/).join(" ");
  return capitalize(text.replace(/&#39;/g, "'").replace(/&quot;/g, '"').replace(/&amp;/g, "&"));
}
const capitalize = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const toTenths = (share) => Math.min(Math.max(Math.round(10 * share), 1), 9);
export const rank = ({ probabilities }) => [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a] || b - a);
export function isUnsure(digit) {
  const [best, second] = rank(digit).map((k) => digit.probabilities[k]);
  return digit.digit !== null && best < UNSURE_BELOW && second >= MIN_SECOND_PROB;
}

function summarize({ error, digits, text, note }) {
  if (error) return { state: "error", text: "Sorry", caption: capitalize(error), symbol: "!" };
  if (!digits.length) return { state: "waiting", text: "0 – 9", caption: note || say("waiting") };
  if (digits.length === 1) return summarizeDigit(digits[0]);
  if (!text) return { state: "refused", text: "No digits", caption: note, symbol: "∅" };
  const refused = digits.filter(({ digit }) => digit === null).length;
  const prob = digits.reduce((all, { digit, confidence }) => (digit === null ? all : all * confidence), 1);
  const isSure = prob >= UNSURE_BELOW && !text.includes(HOLE);
  const hint = prob < UNSURE_BELOW ? say("unsure number", { tenths: [toTenths(prob)] }) : say("sure number", { prob, refused });
  return { state: isSure ? "sure" : "unsure", text, caption: text.includes(HOLE) ? note : hint };
}
function summarizeDigit(digit) {
  const digits = rank(digit).slice(0, 2);
  if (digit.digit === null) return { state: "refused", text: "No digit", caption: say("refused", { digits }), symbol: "∅" };
  if (!isUnsure(digit)) return { state: "sure", text: `${digits[0]}`, caption: say("sure", { prob: digit.confidence }) };
  const tenths = digits.map((k) => toTenths(digit.probabilities[k]));
  return { state: "unsure", text: `${digits[0]} or ${digits[1]}?`, caption: say("unsure", { digits, tenths }) };
}

// Encode a picture of FRAME x FRAME as a bitmap; `color` maps a value and its index to red, green and blue.
function drawPicture(values, color) {
  const bytes = new Uint8Array(54 + 3 * values.length); // rows of a multiple of four bytes
  const view = new DataView(bytes.buffer);
  [[0, 0x4d42], [2, bytes.length], [10, 54], [14, 40], [18, FRAME], [22, -FRAME], [26, 0x180001]].forEach(([at, v]) => (at ? view.setInt32(at, v, true) : view.setInt16(at, v, true)));
  values.forEach((value, k) => bytes.set(color(value, k).map((v) => Math.round(Math.min(Math.max(v, 0), 255))).reverse(), 54 + 3 * k));
  return `data:image/bmp;base64,${encode(bytes)}`;
}
const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const toBytes = (values, scale) => encode(Uint8Array.from(values, (v) => Math.round(v * scale)));

function drawHeatMap(map, ink) {
  return drawPicture(map, (v, k) => {
    const strength = Math.abs(v) ** 0.7;
    return (v > 0 ? FOR_COLOR : AGAINST_COLOR).map((hue) => (255 * (1 - strength) + hue * strength) * (1 - 0.55 * ink[k]));
  });
}
function drawChange(ink, changed) {
  return drawPicture(changed, (v, k) => {
    const [added, removed] = [Math.max(v - ink[k], 0), Math.max(ink[k] - v, 0)];
    const paper = 255 * Math.max(0, 1 - added - removed - Math.min(ink[k], v));
    return FOR_COLOR.map((hue, c) => paper + added * hue + removed * AGAINST_COLOR[c]);
  });
}
function placeMarks({ parts, map }) {
  const marks = parts.map(({ place: [y, x] }, k) => [x + 0.5, y + 0.5, `${k + 1}`]);
  for (const [sign, mark] of [[1, "+"], [-1, "−"]].slice(marks.length ? 1 : 0)) {
    const at = findLargest(map.map((v) => sign * v));
    if (sign * map[at] >= MIN_MARKED_EVIDENCE) marks.push([(at % FRAME) + 0.5, Math.floor(at / FRAME) + 0.5, mark]);
  }
  return marks;
}

function describePreprocessing({ seen }, { box: [left, top, right, bottom], thickened }, [width, height]) {
  const steps = seen ? seen.split("; ") : [];
  const [wide, high] = [right - left, bottom - top];
  if (wide === FRAME && high === FRAME) return steps.length ? `${capitalize(steps.join(", "))}.` : "";
  return say("steps", { seen: steps, cropped: wide * high < 0.9 * width * height, thickened, longest: Math.max(wide, high), side: DIGIT });
}

const byName = {
  answer: ({ reading, count }) => render("answer.html", { ...summarize(reading), number: reading.text, count }),
  label: ({ digit }) => (!digit || digit.digit === null ? Array(10).fill(0) : digit.probabilities),
  pixels: ({ digit, count, unedited }) => ({ ink: toBytes(digit?.glyph.ink ?? new Float32Array(FRAME ** 2), 255), edited: !!unedited, count }),
  strip: ({ reading, chosen }) => render("strip.html", { findings: { reading, state: { chosen } } }),
  original({ reading, digit, chosen, picture }) {
    const steps = digit && picture.data && describePreprocessing(reading, digit, picture.size);
    return render("original.html", { picture, boxes: reading.digits.map(({ box }) => box), chosen, steps });
  },
  evidence({ evidence, digit }) {
    const found = evidence && { ...evidence, refused: digit.digit === null, marks: placeMarks(evidence) };
    return render("evidence.html", { evidence: found && { ...found, sentence: say("evidence", { evidence }), picture: drawHeatMap(evidence.map, digit.ink) } });
  },
  change({ digit, requested, change, candidates }) {
    const name = (k) => filters.name_digit(k).toLowerCase();
    if (!digit) return render("change.html", { section: "" });
    if (requested !== null) {
      const shown = change && { picture: drawChange(digit.ink, change.ink), edits: change.edits, words: capitalize(change.words) };
      return render("change.html", { section: "change", target: name(requested), ...shown });
    }
    if (candidates) return render("change.html", { section: "candidates", candidates });
    const rival = rank(digit)[1];
    return render("change.html", { section: "offer", rival, target: name(rival) });
  },
  layers({ digit, layers }) {
    if (!layers) return null;
    const { stages, features, logits, scores, contributions } = layers;
    const most = Math.max(1e-6, ...contributions.flat().map(Math.abs));
    return {
      ink: toBytes(digit.ink, 255),
      stages: stages.map((stage) => ({ ...stage, shown: [...stage.shown], maps: toBytes(stage.maps, 255) })),
      features: toBytes(features, 255 / Math.max(1e-6, ...features)),
      cells: scores.map((_, k) => `${stages.length + 2}-${k + 10 * (logits[k + 10] > logits[k])}-0-0`),
      scores,
      contributions: encode(new Uint8Array(Int8Array.from(contributions.flat(), (v) => Math.round((127 * v) / most)).buffer)),
    };
  },
  decision({ digit, layers }) {
    if (!layers) return "";
    const { best, bars, ...decision } = layers.decision;
    decision.stages = decision.stages.map(([name, stage]) => [name, { ...stage, digit: stage.not_a_digit > 0.5 ? null : rank(stage)[0], best: rank(stage)[0] }]);
    return render("decision.html", { decision, stage: layers.stages.length + 2, rate: 100 * LABEL_ERROR_RATE, bars: byName.label({ digit }), number: formatNumber(false) });
  },
  traced: ({ picture, reading }) => render("picture_steps.html", { picture: { ...picture, untraced: true, readings: (reading.hypotheses ?? []).map(({ name, text, log_odds }) => [name, text, log_odds]) } }),
  tour({ digit, layers }) {
    const activations = layers && {
      stages: layers.stages.map(({ maps, side, shown, total }) => ({ shown, total, maps: withArgmax(Array.from(maps), { 0: { size: side ** 2 }, shape: [0, side, side] }) })),
      features: { size: layers.features.length },
      contributions: layers.contributions.map((row) => withArgmax([...row])),
      class_logits: layers.logits,
    };
    return render("tour.html", { findings: { digit, activations } });
  },
};
export const NAMES = Object.keys(byName);
const PREVIEWED = 3; // of the names: a preview updates them
export const renderPreview = (findings) => NAMES.slice(0, PREVIEWED).map((name) => byName[name](findings));
export const renderFindings = (findings) => NAMES.map((name) => byName[name](findings));

const formatNumber = (exact) => (value, sign = "") => {
  let text = exact ? `${+value.toPrecision(9)}` : value.toFixed(2);
  if (+text === 0) text = text.replace("-", "");
  return (sign && text[0] !== "-" ? sign + text : text).replaceAll("-", "−");
};
const CLASS_NAMES = [...["MNIST's", "a drawn"].flatMap((kind) => [...Array(10).keys()].map((k) => `${kind} ${k}`)), "no digit", "several digits"];
function nameCell({ stage, map, row, column, behind }) {
  if (behind < 2) return behind ? `Feature ${map + 1}` : `Logit of ${CLASS_NAMES[map]}`;
  const place = `row ${row + 1}, column ${column + 1}`;
  return stage ? `Layer ${stage}, map ${map + 1}, ${place}` : `Pixel, ${place}`;
}
export function renderSum({ computed, exact, trail, sources, ...context }) {
  const cells = [trail, sources].map((list) => list.map((cell) => ({ ...cell, name: nameCell(cell), map: toBytes(cell.values, 255) })));
  const terms = computed?.terms.map((term) => ({ ...term, patch: new Grid(term.patch), kernel: new Grid(term.kernel) }));
  const normalization = [INK_MEAN, INK_STD];
  return render("cell_sum.html", { ...context, exact, trail: cells[0], sources: cells[1], computed: computed && { ...computed, terms }, normalization, number: formatNumber(exact) });
}

// Show the ten bars, as Gradio's label does.
export function showBars(place, shares) {
  if (!place.children.length)
    place.innerHTML = shares.map((_, k) => `<button type="button" class="confidence-set group" data-testid="${k}-confidence-set"><span class="inner-wrap">
      <meter class="bar" min="0" max="1" aria-label="${k}"></meter><span class="label"><span class="text">${k}</span><span class="confidence"></span></span></span></button>`).join("");
  [...place.children].forEach((row, k) => {
    const bar = row.querySelector("meter");
    bar.value = shares[k];
    bar.style.width = `${(100 * shares[k]).toFixed(1)}%`;
    row.querySelector(".confidence").textContent = `${Math.floor(100 * shares[k] + 0.5)}%`;
  });
}
