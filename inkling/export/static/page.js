// The page: what is drawn on the pad is read in this browser, while it is drawn, and shown.
import { cropped, drawn, frame, withoutSpecks } from "./frame.js";
import settings from "./settings.js";
import sketchpad from "./sketchpad.js";

const { BAR, FRAME, NO_DIGIT, PEN, ROW, RUNNER_UP, UNSURE } = settings;
const answer = document.querySelector("#answer");
const state = document.querySelector("#state");
const [headline, caption] = ["headline", "caption"].map((part) => answer.querySelector(`.${part}`));
const WAITING = { look: "waiting", text: "0 – 9", words: "Draw a digit on the pad." };
const SEVERAL = {
  look: "refused",
  text: "Several?",
  words: "That looks like several digits: this page reads one at a time.",
};

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement("li");
  row.innerHTML = `<b>${digit}</b><i><i></i></i><span></span>`;
  answer.querySelector(".bars").append(row);
  return row;
});

// The network is there once it is loaded; the pad is there before, and what is drawn waits.
let ort;
async function load() {
  ort = await import("./ort.wasm.bundle.min.js");
  const packed = await fetch("ort-wasm-simd-threaded.wasm.gz");
  if (!packed.ok) throw new Error(`${packed.url}: ${packed.status}`);
  // some servers unpack it on the way
  const bytes = new Uint8Array(await packed.arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const stream = () => new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = isPacked ? await new Response(stream()).arrayBuffer() : bytes.buffer;
  ort.env.wasm.numThreads = 1; // more want headers that plain web servers do not send
  const session = await ort.InferenceSession.create("digits.onnx");
  await judged(session, new Float32Array(FRAME * FRAME)); // the first takes longer than others
  return session;
}

// What the network makes of FRAME x FRAME ink: `model.Judgement`, of one.
async function judged(session, ink) {
  const found = await session.run({ ink: new ort.Tensor("float32", ink, [1, 1, FRAME, FRAME]) });
  const [not_a_digit, several] = [found.not_a_digit.data[0], found.several.data[0]];
  return { probabilities: [...found.probabilities.data], not_a_digit, several };
}

// What a drawing, as the pad tells of it, is read as; null if the pad is empty.
async function read(session, told) {
  const { picture, strokes } = withoutSpecks(drawn(told));
  const ink = cropped(picture);
  if (!ink) return null;
  const framed = frame(ink).ink;
  const bar = ({ left, top, right, bottom }) => right - left < BAR * (bottom - top);
  const apart = strokes.length > 1 && (strokes.every(bar) || ink.width > ROW * ink.height);
  return { ink: framed, apart, ...(await judged(session, framed)) };
}

// The words for a reading: as `views.answer` has them for one digit.
function answerOf(reading) {
  if (!reading) return WAITING;
  const { probabilities, not_a_digit, several, apart } = reading;
  const [best, second] = probabilities.map((_, digit) => digit).sort((a, b) => probabilities[b] - probabilities[a]);
  if (apart || (not_a_digit > 0.5 && several > 0)) return SEVERAL;
  if (not_a_digit > 0.5)
    return { look: "refused", text: "No digit", words: `${NO_DIGIT} The nearest would be ${aDigit(best)}.` };
  const sure = probabilities[best];
  if (sure >= UNSURE || probabilities[second] < RUNNER_UP)
    return { look: "sure", text: `${best}`, digit: best, words: `${percent(sure)} sure` };
  const [ofBest, ofSecond] = [best, second].map((digit) => inTen(probabilities[digit]));
  const words = `Not sure: of ten drawings like this, about ${ofBest} would be ${aDigit(best)}, and ${ofSecond} ${aDigit(second)}.`;
  return { look: "unsure", text: `${best} or ${second}?`, digit: best, words };
}
const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
const percent = (share) => `${(100 * Math.min(share, 0.999)).toFixed(1)} %`;
const inTen = (share) => Math.min(9, Math.max(1, Math.round(10 * share)));

function show(reading) {
  const { look, text, words, digit } = answerOf(reading);
  answer.className = look;
  answer.dataset.number = digit ?? "";
  headline.textContent = text;
  if (caption.textContent !== words) caption.textContent = words;
  bars.forEach((bar, digit) => {
    const share = look === "refused" ? 0 : (reading?.probabilities[digit] ?? 0);
    bar.dataset.probability = reading?.probabilities[digit] ?? 0;
    bar.querySelector("i i").style.width = `${100 * share}%`;
    bar.querySelector("span").textContent = reading ? percent(share) : "";
  });
  const canvas = document.querySelector("#seen canvas");
  const pixels = new ImageData(FRAME, FRAME);
  reading?.ink.forEach((value, k) => (pixels.data[4 * k + 3] = 255 * value)); // black, more or less of it
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// One drawing is read at a time, and always the latest: what came in between is left out.
let session = null;
let latest = null;
let reading = false;
async function readLatest() {
  if (reading || !session) return;
  reading = true;
  try {
    while (latest) await readOne();
  } finally {
    reading = false;
  }
}
async function readOne() {
  const told = latest;
  latest = null;
  const start = performance.now();
  show(await read(session, told));
  answer.dataset.milliseconds = (performance.now() - start).toFixed(1);
  answer.dataset.count = Number(answer.dataset.count ?? 0) + 1; // tells an answer from an equal one before
}
for (const event of ["sketch", "sketch-progress", "sketch-cancel"])
  document.addEventListener(event, ({ detail: { size, strokes } }) => {
    latest = { size, strokes };
    readLatest();
  });

// Store the page's files for visits without a connection; a newer version waits until this page has all of its own.
async function keepFiles() {
  const registration = await navigator.serviceWorker.register("offline.js");
  await registration.update().catch(() => {}); // without a connection
  (registration.installing ?? registration.waiting)?.postMessage("loaded");
  await navigator.serviceWorker.ready;
  state.textContent = "The network is loaded, and works without a connection from now on.";
}

const nothing = () => {}; // of Gradio's, which nobody listens to here
show(null); // replaces the words for a page whose script does not run
state.textContent = "Loading the network, 6 MB, once …";
const folder = new URL(".", location.href).pathname.slice(0, -1); // an origin may have another Inkling
const props = { pen: PEN, storage_key: `inkling-pad${folder}`, value: null };
sketchpad(document.querySelector("#pad"), props, nothing, nothing);
try {
  session = await load();
  state.textContent = "The network is loaded.";
  answer.dataset.ready = "";
  readLatest();
  if (navigator.serviceWorker) await keepFiles();
} catch (error) {
  console.error(error);
  if (!session) state.textContent = `The network could not be loaded (${error.message}). Please reload the page; an old browser may be unable to run it.`;
}
