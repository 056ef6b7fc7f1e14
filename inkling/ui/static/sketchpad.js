// The sketchpad stores, draws and sends strokes as points. It never reads the canvas: some browsers return
// noise. Lengths are in thousandths of the pad's side. A visible hint means that the pad is ready.
// docs/sketchpad.md lists the events.
const SIZE = 1000;
const PEN = props.pen;
const ERASER = Math.round(1.44 * PEN);
const MIN_POINT_DISTANCE = 9; // in a stroke: a digit takes 2 KB
const CORNER = 21; // length that a rounded corner takes of a line, as in `sketch.py`
const PALM_MS = 1_000; // after a pen event, in which a touch is the palm
const STORAGE_KEY = props.storage_key; // of the session's storage, for a reload

const sheet = element.querySelector(".sheet");
const canvas = element.querySelector("canvas");
const hint = element.querySelector(".hint");
const notice = element.querySelector(".notice"); // "This link is damaged"
const placeholder = hint.textContent;
const tool = (name) => element.querySelector(`[data-tool=${name}]`);
let strokes = []; // each {width, erases, points: [x, y, x, y, …]}
let past = []; // the strokes before each change, for undo
let future = []; // the strokes after each undone change, for redo
let current = null; // the unfinished stroke, and its pointer
let penSeen = -Infinity; // time of the last pen event, ms
let aside = false; // whether the page shows another picture

// The point on the line from a to b at half its length, or at CORNER.
function toward([x, y], [toX, toY]) {
  const share = Math.min(0.5, CORNER / (Math.hypot(toX - x, toY - y) || 1));
  return [x + (toX - x) * share, y + (toY - y) * share];
}

function trace(pen, { width, erases, points }) {
  const at = (k) => points.slice(2 * k, 2 * k + 2);
  const [x, y] = at(0);
  pen.strokeStyle = erases ? "#ffffff" : "#000000";
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + 0.01, y); // a tap leaves a dot
  for (let k = 1; 2 * k < points.length; k++) {
    const next = 2 * k + 2 < points.length ? at(k + 1) : at(k);
    pen.lineTo(...toward(at(k), at(k - 1)));
    pen.quadraticCurveTo(...at(k), ...toward(at(k), next));
  }
  pen.stroke();
}

function show() {
  const pen = canvas.getContext("2d");
  pen.setTransform(canvas.width / SIZE, 0, 0, canvas.height / SIZE, 0, 0);
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, SIZE, SIZE);
  strokes.forEach((stroke) => trace(pen, stroke));
  if (current) trace(pen, current.stroke);
  const empty = !strokes.length && !current;
  hint.hidden = !empty;
  hint.textContent = aside ? `The answer is about a picture.\n${past.length ? "Undo brings your drawing back." : "Draw here to start again."}` : placeholder;
  tool("undo").disabled = !past.length;
  tool("redo").disabled = !future.length;
  tool("clear").disabled = empty && !aside;
}

function dispatch(name, detail) {
  return element.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
}
function changed() {
  aside = false;
  show();
  store();
  const sketch = { size: SIZE, strokes };
  if (!dispatch("sketch", sketch)) return;
  props.value = sketch;
  trigger("input");
  trigger("change");
}
function progress() {
  show();
  if (!current) return;
  const { stroke } = current;
  const isActive = () => current?.stroke === stroke; // JSON omits functions
  dispatch("sketch-progress", { size: SIZE, strokes: [...strokes, stroke], isActive });
}
// The component's value as strokes; null is an empty pad.
function valueStrokes() {
  const { size = SIZE, strokes: value = [] } = props.value ?? {};
  const unit = SIZE / size;
  return value.map(({ width, erases, points }) =>
    ({ width: width * unit, erases, points: points.map((v) => v * unit) }));
}
watch("value", () => {
  past.push(strokes);
  future = [];
  strokes = valueStrokes();
  store();
  show();
});

// One pointer draws at a time. A pen replaces a touch, which was the palm.
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.x, event.clientY - box.y].map((v) => Math.round((v * SIZE) / box.width));
};
function add({ points }, [x, y], min) {
  const [lastX, lastY] = points.slice(-2);
  if (Math.hypot(x - lastX, y - lastY) >= min) points.push(x, y);
}
canvas.addEventListener("pointerdown", (event) => {
  const touch = event.pointerType === "touch";
  const pen = event.pointerType === "pen";
  if (pen) penSeen = event.timeStamp;
  if (current && !(pen && current.touch)) {
    // two simultaneous fingers do not draw
    if (touch && current.touch && current.stroke.points.length <= 4) drop();
    return;
  }
  const isEraser = event.button === 5; // the other end of a pen
  if ((event.button > 0 && !isEraser) || (touch && event.timeStamp - penSeen < PALM_MS)) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  const erases = isEraser || tool("eraser").ariaPressed === "true";
  const stroke = { width: erases ? ERASER : PEN, erases, points: place(event) };
  current = { pointer: event.pointerId, button: isEraser ? 32 : 1, touch, stroke };
  show();
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerType === "pen") penSeen = event.timeStamp;
  if (event.pointerId !== current?.pointer) return;
  if (!(event.buttons & current.button)) return finish(); // released elsewhere; other buttons are ignored
  const passed = event.getCoalescedEvents?.() ?? [];
  (passed.length ? passed : [event]).forEach((move) => add(current.stroke, place(move), MIN_POINT_DISTANCE));
  requestAnimationFrame(progress);
});
canvas.addEventListener("pointerup", (event) => {
  if (event.pointerId !== current?.pointer) return;
  add(current.stroke, place(event), 1); // its end
  finish();
});
canvas.addEventListener("pointercancel", (event) => event.pointerId === current?.pointer && drop());
canvas.addEventListener("lostpointercapture", (event) => event.pointerId === current?.pointer && finish());
function finish() {
  const { stroke } = current;
  current = null;
  change([...strokes, stroke]);
}
function drop() {
  current = null;
  show();
  dispatch("sketch-cancel", { size: SIZE, strokes });
}

function change(next) {
  notice.hidden = true;
  past.push(strokes);
  future = [];
  strokes = next;
  changed();
}
function travel(from, to) {
  if (!from.length) return;
  to.push(strokes);
  strokes = from.pop();
  changed();
}
document.addEventListener("sketch-aside", () => { // undo restores the drawing
  if (strokes.length) past.push(strokes);
  strokes = [];
  current = null;
  aside = true;
  show();
});
const act = {
  undo: () => travel(past, future),
  redo: () => travel(future, past),
  clear: () => {
    use("eraser", false);
    if (!strokes.length && !aside) return;
    change([]);
    trigger("clear");
  },
  eraser: () => use("eraser", tool("eraser").ariaPressed !== "true"),
};
function use(name, on) {
  tool(name).ariaPressed = String(on);
  sheet.classList.toggle("erasing", on);
}
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-tool]");
  if (button) act[button.dataset.tool]();
});
document.addEventListener("keydown", (event) => {
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || !canvas.offsetParent) return;
  if (document.querySelector("[role=dialog], dialog[open]")) return; // the dialog handles the key
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  let action = null;
  if (control && key === "z") action = act[event.shiftKey ? "redo" : "undo"];
  else if (control && key === "y") action = act.redo;
  else if (key === "escape") action = act.clear;
  if (!action) return;
  event.preventDefault();
  if (current) drop(); // undoes the unfinished stroke
  else action();
});

new ResizeObserver(() => {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  canvas.width = canvas.height = side;
  show();
}).observe(canvas);

// Returns the valid strokes of an untrusted list; null if it is none.
function filterValid(list) {
  const numbers = (values) => Array.isArray(values) && values.every(Number.isFinite);
  const isValid = (stroke) => numbers([stroke?.width]) && stroke.width > 0 && stroke.width < SIZE
    && numbers(stroke.points) && stroke.points.length > 1 && stroke.points.length % 2 === 0
    && stroke.points.every((v) => Math.abs(v) < 3 * SIZE);
  return Array.isArray(list) ? list.filter(isValid) : null;
}

// A reload restores the drawing; storage may be refused, or hold something else.
function store() {
  try {
    if (STORAGE_KEY) sessionStorage.setItem(STORAGE_KEY, JSON.stringify(strokes));
  } catch {}
}
function restore() {
  try {
    if (STORAGE_KEY) return filterValid(JSON.parse(sessionStorage.getItem(STORAGE_KEY)));
  } catch {}
}

// A link holds the drawing in its fragment, which browsers do not send: "s" before each stroke, its numbers, with
// coordinates as differences, and "e" at the end. Older links have "~" between strokes and no end. Other programs
// encode characters of links, append some, and truncate.
const LINK = "#drawing=";
const link = () => LINK + strokes.map(({ width, erases, points }) => "s"
  + [width, +erases, ...points.map((v, k) => v - (points[k - 2] ?? 0))].map(Math.round).join(".")).join("") + "e";
function parseLink() {
  const plain = (text) => text.replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(`0x${code}`));
  const text = plain(plain(location.hash));
  notice.hidden = true;
  if (!STORAGE_KEY || !text.startsWith(LINK)) return null;
  const [, start, numbers = "", rest] = /^(s?)([-\d.~s]*\d)?(.*)$/s.exec(text.slice(LINK.length));
  const isEnded = rest[0] === "e";
  const isWhole = start || isEnded ? isEnded : !rest || (numbers && /^[^\w~-]{0,2}([&?].*)?$/s.test(rest));
  const parsed = (numbers ? numbers.split(/[~s]/) : []).map((part) => {
    const [width, erases, ...points] = part.split(".").map((number) => number && +number);
    for (let k = 2; k < points.length; k++) points[k] += points[k - 2];
    return { width, erases: erases === 1, points };
  });
  const last = parsed.at(-1)?.points ?? [];
  if (start && !isWhole) last.pop(); // it may lack digits
  const isOdd = last.length % 2 === 1;
  if (isOdd) last.pop();
  const valid = filterValid(parsed);
  notice.hidden = !!isWhole && !isOdd && valid.length === parsed.length;
  if (!notice.hidden && !valid.length) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return valid;
}
addEventListener("hashchange", () => {
  const opened = parseLink();
  const { hidden } = notice;
  if (opened) change(opened);
  notice.hidden = hidden;
});
document.addEventListener("sketch-link", () => history.replaceState(null, "", link()));

strokes = parseLink() ?? restore() ?? valueStrokes();
past = strokes.map((_, k) => strokes.slice(0, k));
const first = strokes.length && setTimeout(changed);
document.addEventListener("sketch-request", () => {
  clearTimeout(first);
  if (strokes.length) changed();
});
