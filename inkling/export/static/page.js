// The page: read the pad's drawing in this browser, and show the prediction while it is drawn.
import settings from "./settings.js";
import sketchpad from "./sketchpad.js";

const { FRAME, NO_DIGIT, MIN_SECOND_PROB, UNSURE_BELOW } = settings;
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

// Ask the reader in its worker; the pad works before the networks are loaded, and the latest drawing is read then.
const worker = new Worker("worker.js", { type: "module" });
const asked = new Map(); // message's number: [resolve, reject]
worker.onmessage = ({ data: { id, error, ...answer } }) => {
  const [resolve, reject] = asked.get(id);
  asked.delete(id);
  if (error) reject(new Error(error));
  else resolve(answer);
};
worker.onerror = ({ message }) => asked.forEach(([, reject]) => reject(new Error(message ?? "a script is missing")));
let count = 0;
function ask(message) {
  count += 1;
  worker.postMessage({ id: count, ...message });
  return new Promise((resolve, reject) => asked.set(count, [resolve, reject]));
}

// Read a drawing of the pad, {size, strokes}; return null if it is empty.
async function read(drawing) {
  const { reading } = await ask({ kind: "sketch", drawing });
  const [digit, ...others] = reading.digits;
  return digit ? { ...digit, apart: others.length > 0 } : null;
}

// Summarize a reading, as `views.summarize` for one digit.
function summarize(reading) {
  if (!reading) return WAITING;
  const { probabilities, not_a_digit, several, apart } = reading;
  const [best, second] = probabilities.map((_, digit) => digit).sort((a, b) => probabilities[b] - probabilities[a]);
  if (apart || (not_a_digit > 0.5 && several > 0)) return SEVERAL;
  if (not_a_digit > 0.5)
    return { look: "refused", text: "No digit", words: `${NO_DIGIT} The nearest would be ${aDigit(best)}.` };
  const sure = probabilities[best];
  if (sure >= UNSURE_BELOW || probabilities[second] < MIN_SECOND_PROB)
    return { look: "sure", text: `${best}`, digit: best, words: `${percent(sure)} sure` };
  const [ofBest, ofSecond] = [best, second].map((digit) => inTen(probabilities[digit]));
  const words = `Not sure: of ten drawings like this, about ${ofBest} would be ${aDigit(best)}, and ${ofSecond} ${aDigit(second)}.`;
  return { look: "unsure", text: `${best} or ${second}?`, digit: best, words };
}
const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
const percent = (share) => `${(100 * Math.min(share, 0.999)).toFixed(1)} %`;
const inTen = (share) => Math.min(9, Math.max(1, Math.round(10 * share)));

function show(reading) {
  const { look, text, words, digit } = summarize(reading);
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

// One drawing is read at a time: next the latest one. Those in between are skipped.
let isLoaded = false;
let latest = null;
let reading = false;
async function readLatest() {
  if (reading || !isLoaded) return;
  reading = true;
  try {
    while (latest) await readOne();
  } finally {
    reading = false;
  }
}
async function readOne() {
  const drawing = latest;
  latest = null;
  const start = performance.now();
  show(await read(drawing));
  answer.dataset.milliseconds = (performance.now() - start).toFixed(1);
  answer.dataset.count = Number(answer.dataset.count ?? 0) + 1; // distinguishes equal answers
}
for (const event of ["sketch", "sketch-progress", "sketch-cancel"])
  document.addEventListener(event, ({ detail: { size, strokes } }) => {
    latest = { size, strokes };
    readLatest();
  });

// Store the page's files for offline use; a newer version waits until this page has loaded all of its own.
async function keepFiles() {
  const registration = await navigator.serviceWorker.register("offline.js");
  await registration.update().catch(() => {}); // without a connection
  (registration.installing ?? registration.waiting)?.postMessage("loaded");
  await navigator.serviceWorker.ready;
  state.textContent = "The network is loaded, and works without a connection from now on.";
}

const nothing = () => {}; // instead of Gradio's callbacks
show(null); // replaces the text for a page whose script does not run
state.textContent = "Loading the networks, 5 MB, once …";
const folder = new URL(".", location.href).pathname.slice(0, -1); // another Inkling may share the origin
const props = { pen: settings.PEN, storage_key: `inkling-pad${folder}`, value: null };
sketchpad(document.querySelector("#pad"), props, nothing, nothing);
try {
  await ask({ kind: "load" });
  isLoaded = true;
  state.textContent = "The network is loaded.";
  answer.dataset.ready = "";
  readLatest();
  if (navigator.serviceWorker) await keepFiles();
} catch (error) {
  console.error(error);
  if (!isLoaded) state.textContent = `The network could not be loaded (${error.message}). Please reload the page; an old browser may be unable to run it.`;
}
