// The sketchpad: strokes are kept as points, drawn sharply on whatever screen there is, and sent as
// points. The canvas is never read: some browsers give out noise for it. Lengths are in thousandths of
// the pad's side. The hint shows that the pad is ready.
const SIZE = 1000;
const PEN = props.pen;
const ERASER = Math.round(1.44 * PEN);
const STEP = 9; // the least between two points of a stroke: a digit is then sent in 2 KB
const ROUNDED = 21; // how much of a line corners may take, as in `sketch.py`
const PALM = 1_000; // ms after a pen was there, in which a touch is a palm's
const KEPT = props.kept_as; // where the session keeps the strokes, for the way back to this page

const sheet = element.querySelector(".sheet");
const canvas = element.querySelector("canvas");
const hint = element.querySelector(".hint");
const notice = element.querySelector(".notice"); // that a link is damaged
const words = hint.textContent;
const tool = (name) => element.querySelector(`[data-tool=${name}]`);
let strokes = []; // each {width, erases, points: [x, y, x, y, …]}
let past = []; // what the strokes were before each change, for undo
let future = []; // and after the changes undone, for redo
let current = null; // the stroke being drawn, and the pointer that draws it
let penSeen = -Infinity; // when, in ms
let aside = false; // whether the page has turned to another picture

// The point on the way from a to b that is half the way, or as far as corners are rounded.
function toward([x, y], [toX, toY]) {
  const share = Math.min(0.5, ROUNDED / (Math.hypot(toX - x, toY - y) || 1));
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
  hint.textContent = aside ? `The answer is about a picture.\n${past.length ? "Undo brings your drawing back." : "Draw here to begin anew."}` : words;
  tool("undo").disabled = !past.length;
  tool("redo").disabled = !future.length;
  tool("clear").disabled = empty && !aside;
}

// What stands there is told at the end of each stroke. A page that would rather ask itself listens for
// "sketch", and prevents it; in the midst of a stroke there are "sketching"s.
function dispatch(name, detail) {
  return element.dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
}
function changed() {
  aside = false;
  show();
  keep();
  const told = { size: SIZE, strokes };
  if (!dispatch("sketch", told)) return;
  props.value = told;
  trigger("input");
  trigger("change");
}
function drawing() {
  show();
  if (!current) return;
  const { stroke } = current;
  const going = () => current?.stroke === stroke; // not for JSON, where functions are left out
  dispatch("sketching", { size: SIZE, strokes: [...strokes, stroke], going });
}
// The strokes that a function has drawn, or none where it has wiped the pad.
function given() {
  const { size = SIZE, strokes: drawn = [] } = props.value ?? {};
  const unit = SIZE / size;
  return drawn.map(({ width, erases, points }) =>
    ({ width: width * unit, erases, points: points.map((v) => v * unit) }));
}
watch("value", () => {
  past.push(strokes);
  future = [];
  strokes = given();
  keep();
  show();
});

// Pointers. One draws at a time; a pen takes over from a touch, which was the palm's.
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.x, event.clientY - box.y].map((v) => Math.round((v * SIZE) / box.width));
};
function add({ points }, [x, y], least) {
  const [lastX, lastY] = points.slice(-2);
  if (Math.hypot(x - lastX, y - lastY) >= least) points.push(x, y);
}
canvas.addEventListener("pointerdown", (event) => {
  const touch = event.pointerType === "touch";
  const pen = event.pointerType === "pen";
  if (pen) penSeen = event.timeStamp;
  if (current && !(pen && current.touch)) {
    // two fingers that land together are no stroke
    if (touch && current.touch && current.stroke.points.length <= 4) drop();
    return;
  }
  const turned = event.button === 5; // the other end of a pen
  if ((event.button > 0 && !turned) || (touch && event.timeStamp - penSeen < PALM)) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  const erases = turned || tool("eraser").ariaPressed === "true";
  const stroke = { width: erases ? ERASER : PEN, erases, points: place(event) };
  current = { pointer: event.pointerId, button: turned ? 32 : 1, touch, stroke };
  show();
});
canvas.addEventListener("pointermove", (event) => {
  if (event.pointerType === "pen") penSeen = event.timeStamp;
  if (event.pointerId !== current?.pointer) return;
  if (!(event.buttons & current.button)) return finish(); // let go of elsewhere; other buttons do nothing
  const passed = event.getCoalescedEvents?.() ?? [];
  (passed.length ? passed : [event]).forEach((one) => add(current.stroke, place(one), STEP));
  requestAnimationFrame(drawing);
});
canvas.addEventListener("pointerup", (event) => {
  if (event.pointerId !== current?.pointer) return;
  add(current.stroke, place(event), 1); // where it ends
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
  dispatch("dropped", { size: SIZE, strokes });
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
document.addEventListener("sketch-aside", () => { // the page turns to another picture: undoing leads back
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
  if (document.querySelector("[role=dialog], dialog[open]")) return; // the key is its
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  let does = null;
  if (control && key === "z") does = act[event.shiftKey ? "redo" : "undo"];
  else if (control && key === "y") does = act.redo;
  else if (key === "escape") does = act.clear;
  if (!does) return;
  event.preventDefault();
  if (current) drop(); // a stroke that is not ended is the first that goes
  else does();
});

new ResizeObserver(() => {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  canvas.width = canvas.height = side;
  show();
}).observe(canvas);

// Strokes from outside this page: those that it could have drawn; null where there is no list of strokes.
function checked(found) {
  const numbers = (values) => Array.isArray(values) && values.every(Number.isFinite);
  const sound = (stroke) => numbers([stroke?.width]) && stroke.width > 0 && stroke.width < SIZE
    && numbers(stroke.points) && stroke.points.length > 1 && stroke.points.length % 2 === 0
    && stroke.points.every((v) => Math.abs(v) < 3 * SIZE);
  return Array.isArray(found) ? found.filter(sound) : null;
}

// Back on this page, what was drawn is there again; a browser may keep nothing, or something else.
function keep() {
  try {
    if (KEPT) sessionStorage.setItem(KEPT, JSON.stringify(strokes));
  } catch {}
}
function kept() {
  try {
    if (KEPT) return checked(JSON.parse(sessionStorage.getItem(KEPT)));
  } catch {}
}

// A link holds the drawing in its fragment, which browsers send nowhere: "s" before each stroke, numbers,
// each coordinate less the one before it, and "e" at the end. Older links have "~" between strokes, and no
// end. Programs that pass links on encode signs, add some, and cut long links off.
const LINK = "#drawing=";
const link = () => LINK + strokes.map(({ width, erases, points }) => "s"
  + [width, +erases, ...points.map((v, k) => v - (points[k - 2] ?? 0))].map(Math.round).join(".")).join("") + "e";
function linked() {
  const plain = (text) => text.replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(`0x${code}`));
  const text = plain(plain(location.hash));
  notice.hidden = true;
  if (!KEPT || !text.startsWith(LINK)) return null;
  const [, start, numbers = "", rest] = /^(s?)([-\d.~s]*\d)?(.*)$/s.exec(text.slice(LINK.length));
  const isEnded = rest[0] === "e";
  const isWhole = start || isEnded ? isEnded : !rest || (numbers && /^[^\w~-]{0,2}([&?].*)?$/s.test(rest));
  const found = (numbers ? numbers.split(/[~s]/) : []).map((part) => {
    const [width, erases, ...points] = part.split(".").map((number) => number && +number);
    for (let k = 2; k < points.length; k++) points[k] += points[k - 2];
    return { width, erases: erases === 1, points };
  });
  const last = found.at(-1)?.points ?? [];
  if (start && !isWhole) last.pop(); // digits of it may be missing
  const isOdd = last.length % 2 === 1;
  if (isOdd) last.pop();
  const sound = checked(found);
  notice.hidden = !!isWhole && !isOdd && sound.length === found.length;
  if (!notice.hidden && !sound.length) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return sound;
}
addEventListener("hashchange", () => {
  const found = linked();
  const { hidden } = notice;
  if (found) change(found);
  notice.hidden = hidden;
});
document.addEventListener("inkling-link", () => history.replaceState(null, "", link()));

strokes = linked() ?? kept() ?? given();
past = strokes.map((_, k) => strokes.slice(0, k));
const first = strokes.length && setTimeout(changed);
document.addEventListener("sketch-please", () => { // who listens late
  clearTimeout(first);
  if (strokes.length) changed();
});
