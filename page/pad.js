// The pad: strokes are kept as points, drawn sharply on whatever screen there is, and sent at the
// end of each stroke as one small picture, the component's value. Lengths are in its pixels. The
// hint shows that the pad is ready.
const SIDE = 280;
const PEN = 22; // a digit of 180 px comes out with strokes of 2.2 px in the network's frame
const ERASER = 32;
const PATIENCE = 4_000; // ms that an answer may take, else the server was too busy for it
const TRIES = 3; // of sending the same strokes
const ROUNDED = 6; // how much of a line corners may take: fast hands leave points far apart

const sheet = element.querySelector(".sheet");
const canvas = element.querySelector("canvas");
const hint = element.querySelector(".hint");
const tool = (name) => element.querySelector(`[data-tool=${name}]`);
let strokes = [];
let past = []; // what the strokes were before each change, for undo
let future = []; // and after the changes undone, for redo
let current = null; // the stroke being drawn
let waiting = null; // the timer of the answer that is waited for

// The point on the way from a to b that is half the way, or as far as corners are rounded.
function toward([x, y], [toX, toY]) {
  const share = Math.min(0.5, ROUNDED / (Math.hypot(toX - x, toY - y) || 1));
  return [x + (toX - x) * share, y + (toY - y) * share];
}

function trace(pen, { points, erases }) {
  const [[x, y], ...rest] = points;
  pen.strokeStyle = erases ? "#ffffff" : "#000000";
  pen.lineWidth = erases ? ERASER : PEN;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + 0.01, y); // a tap leaves a dot
  rest.forEach((corner, k) => {
    pen.lineTo(...toward(corner, points[k]));
    pen.quadraticCurveTo(...corner, ...toward(corner, points[k + 2] ?? corner));
  });
  pen.stroke();
}

function paint(target, drawn) {
  const pen = target.getContext("2d");
  pen.setTransform(target.width / SIDE, 0, 0, target.height / SIDE, 0, 0);
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, SIDE, SIDE);
  drawn.forEach((stroke) => trace(pen, stroke));
}

function show() {
  paint(canvas, current ? [...strokes, current] : strokes);
  const empty = !strokes.length && !current;
  hint.hidden = !empty;
  tool("undo").disabled = !past.length;
  tool("redo").disabled = !future.length;
  tool("clear").disabled = empty;
}

function send(tries = TRIES) {
  clearTimeout(waiting);
  show();
  const picture = new OffscreenCanvas(SIDE, SIDE);
  paint(picture, strokes);
  const busy = document.querySelector("#answer [data-busy]");
  if (busy && strokes.length) {
    busy.dataset.busy = "true"; // until an answer takes its place, or none will come
    waiting = setTimeout(() => {
      if (busy.isConnected && tries > 1) send(tries - 1);
      else busy.dataset.busy = "false";
    }, PATIENCE);
  }
  picture.convertToBlob({ type: "image/png" }).then((blob) => {
    const file = new FileReader();
    file.onload = () => {
      props.value = strokes.length ? file.result : "";
      trigger("input");
    };
    file.readAsDataURL(blob);
  });
}

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.x) * SIDE) / box.width, ((event.clientY - box.y) * SIDE) / box.height];
};

canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button > 0) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  current = { points: [place(event)], erases: tool("eraser").ariaPressed === "true" };
  show();
});
canvas.addEventListener("pointermove", (event) => {
  if (!current || !event.isPrimary) return;
  const passed = event.getCoalescedEvents?.() ?? [];
  current.points.push(...(passed.length ? passed : [event]).map(place));
  requestAnimationFrame(show);
});
function finish(event) {
  if (!current || !event.isPrimary) return;
  const stroke = current;
  current = null;
  change([...strokes, stroke]);
}
canvas.addEventListener("pointerup", finish);
canvas.addEventListener("pointercancel", finish);

function change(next) {
  past.push(strokes);
  future = [];
  strokes = next;
  send();
}
function travel(from, to) {
  if (!from.length) return;
  to.push(strokes);
  strokes = from.pop();
  send();
}
const act = {
  undo: () => travel(past, future),
  redo: () => travel(future, past),
  clear: () => {
    use("eraser", false);
    if (strokes.length) change([]);
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
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (control && key === "z") act[event.shiftKey ? "redo" : "undo"]();
  else if (control && key === "y") act.redo();
  else if (key === "escape") act.clear();
  else return;
  event.preventDefault();
});

new ResizeObserver(() => {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  canvas.width = canvas.height = side;
  show();
}).observe(canvas);
