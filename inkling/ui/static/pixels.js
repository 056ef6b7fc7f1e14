// The network's input of 28 x 28 pixels, which a user can edit.
const SIDE = 28;
const canvas = element.querySelector("canvas");
const back = element.querySelector("button");
const status = element.querySelector("[role=status]");
let ink = new Uint8Array(SIDE * SIDE); // 0 paper, 255 ink
let cursor = null; // the pixel that the keyboard edits
let painting = null; // the value that a pressed pointer paints
let last = null; // its last position

function show() {
  const pen = canvas.getContext("2d");
  const cell = Math.max(4, Math.round((canvas.clientWidth * devicePixelRatio) / SIDE)); // px
  canvas.width = canvas.height = SIDE * cell;
  let drawn = null;
  ink.forEach((value, k) => {
    if (value !== drawn) pen.fillStyle = `rgb(${255 - value} ${255 - value} ${255 - value})`;
    drawn = value;
    pen.fillRect((k % SIDE) * cell, Math.floor(k / SIDE) * cell, cell - 1, cell - 1);
  });
  if (cursor === null) return;
  pen.strokeStyle = "#d55e00";
  pen.lineWidth = 4;
  pen.strokeRect((cursor % SIDE) * cell, Math.floor(cursor / SIDE) * cell, cell, cell);
}
function set(pixels, value) {
  if (pixels.every((pixel) => ink[pixel] === value)) return;
  pixels.forEach((pixel) => (ink[pixel] = value));
  send(btoa(String.fromCharCode(...ink)));
}
function send(content) {
  props.value = { ink: content, edited: content !== null };
  update();
  act("edit", content);
}
const opposite = (pixel) => (ink[pixel] > 127 ? 0 : 255);
// Pixels on the line from one (row, column) to another: a fast pointer sends few events.
function between([row, column], [toRow, toColumn]) {
  const steps = Math.max(Math.abs(toRow - row), Math.abs(toColumn - column), 1);
  const at = (k, from, to) => Math.round(from + ((to - from) * k) / steps);
  return Array.from({ length: steps + 1 }, (_, k) => at(k, row, toRow) * SIDE + at(k, column, toColumn));
}
function paint(events) {
  const pixels = events.flatMap((event) => between(last, (last = locate(canvas, SIDE, event))));
  painting ??= opposite(pixels[0]);
  set(pixels, painting);
}
canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  last = locate(canvas, SIDE, event);
  paint([event]);
});
canvas.addEventListener("pointermove", (event) => {
  if (!(event.buttons & 1)) painting = null;
  if (painting === null) return;
  const passed = event.getCoalescedEvents?.() ?? [];
  paint(passed.length ? passed : [event]);
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (painting = null));
canvas.addEventListener("keydown", (event) => {
  const step = event.key === " " ? [0, 0] : arrow(event);
  if (!step) return;
  event.preventDefault();
  const at = cursor ?? (SIDE * SIDE + SIDE) / 2;
  const [row, column] = [Math.floor(at / SIDE) + step[0], (at % SIDE) + step[1]].map((v) => clamp(v, SIDE - 1));
  cursor = row * SIDE + column;
  if (event.key === " ") set([cursor], opposite(cursor));
  show();
  status.textContent = `row ${row + 1}, column ${column + 1}: ${ink[cursor] > 127 ? "ink" : "paper"}`;
});
canvas.addEventListener("blur", () => {
  cursor = null;
  show();
});
back.addEventListener("click", () => send(null));

function update() {
  const { ink: content, edited } = props.value ?? {};
  back.hidden = !edited;
  if (painting === null && content) ink = decode(content);
  show();
}
watch("value", update);
new ResizeObserver(update).observe(canvas); // waits for the layout, which `show` would force
