// The phone: draw the digit that is asked for, send it, see how it was read. What cannot be sent is kept in this
// tab's storage, and sent later. A random token, made here, stands for the phone.
import sketchpad, { PEN } from "./sketchpad.js";
import { aDigit, draw, make, sure } from "./strokes.js";

const STORAGE_KEY = "inkling-class";
const TICK_MS = 6_000; // between two requests without a drawing
const RETRY_MS = 2_000; // after a request that failed
const TIMEOUT_MS = 15_000;
const LATER = [408, 409, 429, 500, 502, 503, 504]; // statuses after which a drawing is sent again
const [ask, answer, send, state, drawn, pad, openMine] = ["ask", "answer", "send", "state", "drawn", "pad", "open-mine"]
  .map((id) => document.getElementById(id));

const newToken = () => [...crypto.getRandomValues(new Uint8Array(16))].map((v) => v.toString(16).padStart(2, "0")).join("");
const fresh = { token: newToken(), session: null, asked: null, count: 0, sent: [], waiting: [], answered: false };
const phone = { ...fresh, ...restore() }; // answered: the pad's drawing is done
function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY));
  } catch {}
}
function store() {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(phone));
  } catch {}
}

// The pad. It sends its drawing by an event, and takes another one by `watch`.
let strokes = [];
let setValue = () => {};
const props = { pen: PEN, storage_key: `${STORAGE_KEY}-pad`, value: null };
document.addEventListener("sketch", ({ detail }) => {
  strokes = detail.strokes;
  show();
});
sketchpad(pad, props, () => {}, (_, update) => (setValue = update));

let paused = false;
let connected = true;
let collects = null; // until the server says so
function show() {
  const digit = phone.asked;
  if (digit !== null) ask.replaceChildren(phone.answered ? "You drew" : `Draw ${digit === 8 ? "an" : "a"}`, make("b", { textContent: digit }));
  else if (!connected) ask.textContent = "No connection yet: waiting …";
  send.textContent = phone.answered ? "Next" : "Done";
  send.disabled = digit === null || (!phone.answered && (!strokes.length || paused));
  pad.inert = phone.answered;
  const total = phone.sent.length + phone.waiting.length;
  drawn.textContent = total >= 10 ? `${total} drawn: thank you!` : `${total} of 10 drawn`;
  const kept = phone.waiting.length;
  const waits = paused || !connected;
  state.classList.toggle("waits", waits);
  state.textContent = paused ? "Your teacher has paused: look at the wall."
    : !connected ? `No connection: ${kept ? `${kept} kept here, sent later.` : "trying again."}`
    : collects === null ? "" : collects ? "Your teacher keeps the drawings, without names." : "No name, and nothing is kept.";
}

function describe(seen, asked) {
  const right = seen.digit === asked;
  answer.className = right ? "good" : "other";
  if (right) return [make("b", { textContent: `Read as ${asked}` }), `, ${sure(seen)}.`];
  const counts = " It counts: the network has something to learn.";
  if (seen.digit !== null) return [make("b", { textContent: `Read as ${seen.digit}` }), `, ${sure(seen)}.${counts}`];
  const title = make("b", { textContent: "Not read." });
  if (seen.nearest !== null) return [title, ` The nearest digit would be ${aDigit(seen.nearest)}.${counts}`];
  return [title, seen.text ? ` It looks like several digits: ${seen.text}.${counts}` : counts];
}

async function call(name, body) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const options = { method: "POST", headers: { "content-type": "application/json" }, signal: controller.signal };
    const text = JSON.stringify({ token: phone.token, ...body });
    const response = await fetch(new URL(name, import.meta.url), { ...options, body: text });
    return { status: response.status, ...(await response.json()) };
  } catch {
    return { status: 0 };
  } finally {
    clearTimeout(timer);
  }
}

function learnState(reply) {
  paused = reply.paused;
  collects = reply.collects;
  checkSession(reply);
  openMine.hidden = !reply.learned || !phone.sent.length;
}

// One request at a time: the waiting drawings in order, or else a sign of life.
let busy = false;
let timer = 0;
function checkSession({ session }) {
  if (phone.session !== session) phone.sent = []; // the server, or the class, started again
  phone.session = session;
}
async function tick() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  const reply = phone.waiting.length ? await sendFirst() : await call("talk", { asked: phone.asked });
  if (reply.status === 200) {
    learnState(reply);
    if (phone.asked === null) phone.asked = reply.ask ?? null;
  }
  connected = reply.status !== 0 && reply.status < 500;
  paused = reply.status === 409 || (reply.status === 200 && paused);
  busy = false;
  store();
  show();
  const soon = reply.status === 200 && phone.waiting.length;
  const pause = reply.status === 200 ? TICK_MS : RETRY_MS;
  timer = setTimeout(tick, soon ? 0 : pause * (0.75 + Math.random() / 2));
}
async function sendFirst() {
  const first = phone.waiting[0];
  const reply = await call("talk", { ...first, size: 1000 });
  const isCurrent = phone.answered && first.count === phone.count - 1;
  if (reply.status === 0 || LATER.includes(reply.status)) {
    if (isCurrent) answer.textContent = reply.detail ?? "No connection: your drawing is kept, and sent later.";
    return reply;
  }
  phone.waiting.shift();
  if (reply.status === 200) {
    checkSession(reply);
    phone.sent.push(first.asked);
    phone.next = reply.ask;
    if (isCurrent) answer.replaceChildren(...describe(reply.seen, first.asked));
  } else if (isCurrent) {
    answer.textContent = reply.detail ?? "This drawing could not be read.";
  }
  return reply;
}

// Without an answer the phone itself chooses a digit that it drew least.
function chooseDigit() {
  const all = [...phone.sent, ...phone.waiting.map(({ asked }) => asked)];
  const times = (digit) => all.filter((other) => other === digit).length;
  const start = Math.floor(10 * Math.random());
  return Array.from({ length: 10 }, (_, k) => (start + k) % 10).sort((a, b) => times(a) - times(b))[0];
}
function next() {
  phone.asked = phone.waiting.length ? chooseDigit() : phone.next ?? chooseDigit();
  phone.next = null;
  phone.answered = false;
  strokes = [];
  props.value = null;
  setValue();
  answer.className = "";
  answer.textContent = "";
}
send.addEventListener("click", () => {
  if (phone.answered) next();
  else {
    phone.waiting.push({ count: phone.count++, asked: phone.asked, strokes });
    phone.answered = true;
    answer.textContent = "Reading …";
    answer.className = "";
    tick();
  }
  store();
  show();
});
for (const event of ["online", "pageshow"]) addEventListener(event, tick);
document.addEventListener("visibilitychange", () => document.hidden || tick());

// My ten digits, as the former and the class's network read them.
const PARTS = {
  learned: "The class's network learned from your digits: of course it knows them.",
  held_out: "Your digits were kept for the test: the class's network never saw them.",
  late: "You drew after the class's network had learned: it never saw your digits.",
};
function tellReading(when, seen, asked) {
  const text = make("b", { textContent: seen.digit ?? "–", className: seen.digit === asked ? "" : "wrong" });
  const words = seen.digit === null ? `not a digit; nearest ${seen.nearest}` : sure(seen);
  return make("div", {}, make("span", { textContent: when }), text, make("span", { textContent: words }));
}
function showMine(open) {
  document.getElementById("task-view").hidden = open;
  document.getElementById("mine").hidden = !open;
  (open ? document.getElementById("mine-title") : send).focus();
}
openMine.addEventListener("click", async () => {
  const mine = await call("mine", {});
  if (mine.status !== 200) {
    state.textContent = mine.detail ?? "No connection: try again in a few seconds.";
    return;
  }
  document.getElementById("part").textContent = PARTS[mine.part];
  const rows = mine.rows.map(({ asked, strokes: lines, before, after }) => make("li", {},
    draw(lines), tellReading("former network", before, asked), tellReading("class's network", after, asked)));
  document.getElementById("digits").replaceChildren(...rows);
  showMine(true);
});
document.getElementById("close-mine").addEventListener("click", () => showMine(false));

if (phone.answered) next(); // a reload between "Done" and "Next"
show();
tick();
