// The activations of each layer for this reading.
const list = element.querySelector(".stages");
const status = element.querySelector("[role=status]");
const [QUIET, FOR, AGAINST] = [[238, 240, 246], [0, 114, 178], [213, 94, 0]];
const MARK = "#b3008f"; // of the trail
let stages = []; // from the ink on: {side, step: [size, stride, padding], shown, total, maps: bytes}
let features, scores, contributions; // a byte each; ten logits; a signed byte for each digit and feature
let lit = null; // highlighted cells of each stage: rows [first, last], columns [first, last]
let digitShown = null; // the digit whose contributions are shown
const at = {}; // the keyboard's cell in each map
let trail = []; // the cells from the first picked to the ink: "stage-map-row-column"
let step = 0; // index of the cell whose sum is shown
let exact = false; // whether its numbers have all digits
let follows = false; // whether a user waits for the sum

const mix = (share, hue) => `rgb(${QUIET.map((quiet, k) => Math.round(quiet + (hue[k] - quiet) * share)).join(" ")})`;

// Cells from `low` to `high`: their receptive field in the stage before, and the cells that use them in the next.
const inputs = ([size, stride, padding], [low, high]) => [low * stride - padding, high * stride - padding + size - 1];
const outputs = ([size, stride, padding], [low, high]) =>
  [Math.ceil((low + padding - size + 1) / stride), Math.floor((high + padding) / stride)];
function trace(stage, y, x) {
  const spans = [];
  spans[stage] = [[y, y], [x, x]];
  const clip = (k, sides) => (spans[k] = sides.map((ends) => ends.map((end) => clamp(end, stages[k].side - 1))));
  for (let k = stage; k > 0; k--) clip(k - 1, spans[k].map((ends) => inputs(stages[k].step, ends)));
  for (let k = stage + 1; k < stages.length; k++) clip(k, spans[k - 1].map((ends) => outputs(stages[k].step, ends)));
  return spans;
}

function drawMap(canvas) {
  const [stage, k] = [+canvas.dataset.stage, +canvas.dataset.map];
  const { side, maps } = stages[stage];
  const cell = Math.max(4, Math.round(112 / side)); // px
  canvas.width = canvas.height = side * cell;
  const pen = canvas.getContext("2d");
  for (let at = 0; at < side * side; at++) {
    pen.fillStyle = mix(maps[k * side * side + at] / 255, stage ? FOR : [0, 0, 0]);
    pen.fillRect((at % side) * cell, Math.floor(at / side) * cell, cell, cell);
  }
  pen.lineWidth = 3;
  const frame = ([top, bottom], [left, right]) =>
    pen.strokeRect(left * cell + 1, top * cell + 1, (right - left + 1) * cell - 2, (bottom - top + 1) * cell - 2);
  pen.strokeStyle = "#d55e00";
  if (lit) frame(...lit[stage]);
  pen.strokeStyle = MARK;
  for (const [on, map, y, x] of cells()) if (on === stage && map === (stages[stage].shown?.[k] ?? 0)) frame([y, y], [x, x]);
}
const cells = () => trail.map((cell) => cell.split("-").map(Number));
function drawFeatures(canvas) {
  canvas.width = features.length * 4;
  canvas.height = 24;
  const pen = canvas.getContext("2d");
  features.forEach((value, k) => {
    const share = digitShown === null ? value / 255 : contributions[digitShown * features.length + k] / 127;
    pen.fillStyle = mix(Math.abs(share), share < 0 ? AGAINST : FOR);
    pen.fillRect(k * 4, 0, 3, 24);
  });
  pen.fillStyle = MARK;
  for (const [on, map] of cells()) if (on === stages.length) pen.fillRect(map * 4 - 1, 18, 5, 6);
}
function show(text = "") {
  status.textContent = text;
  list.querySelectorAll("[data-stage]").forEach(drawMap);
  list.querySelectorAll(".features").forEach(drawFeatures);
}
function build() {
  const section = (title, parts, kind = "maps") => `<section><h3>${title}</h3><div class="${kind}">${parts.join("")}</div></section>`;
  const map = (stage, k) => `<canvas data-stage="${stage}" data-map="${k}"></canvas>`;
  const rows = stages.slice(1).map(({ side, shown, total }, layer) =>
    section(`layer ${layer + 1}: ${total} maps of ${side} x ${side}`, shown.map((number, k) =>
      `<button type="button" class="map" data-open="${layer + 1}-${number}" aria-label="Layer ${layer + 1}, map ${number + 1}">${map(layer + 1, k)}</button>`)));
  const [low, high] = [Math.min(0, ...scores), Math.max(1e-6, ...scores)];
  const bars = scores.map((value, digit) => `<button type="button" data-digit="${digit}" data-cell="${props.value.cells[digit]}">
    <i style="height: ${Math.round((100 * (value - low)) / (high - low))}%"></i><b>${digit}</b><small>${value.toFixed(1)}</small></button>`);
  list.innerHTML = [
    section("the ink", [`<button type="button" class="map" data-open="0-0" aria-label="The ink">${map(0, 0)}</button>`]),
    ...rows,
    section(`${features.length} features`, ['<button type="button" class="map" data-open aria-label="The features"><canvas class="features"></canvas></button>'], ""),
    section("the ten logits", bars, "scores"),
  ].join("");
  show();
}

function showField(canvas, y, x) {
  const stage = +canvas.dataset.stage;
  lit = null;
  if (!canvas.dataset.stage) return show(`Feature ${x + 1}: ${Math.round(features[x] / 2.55)} % of the largest.`);
  lit = trace(stage, y, x);
  const [rows, columns] = lit[0].map(([first, last]) => `${first + 1} to ${last + 1}`);
  show(stage ? `This cell of layer ${stage} sees rows ${rows}, columns ${columns} of the ink.` : "Highlighted: the cells that see this pixel.");
}
function showDigit(digit) {
  lit = null;
  digitShown = digit;
  const share = (k) => contributions[digit * features.length + k];
  const order = [...features.keys()].sort((a, b) => share(b) - share(a)).map((k) => k + 1);
  show(`Features ${order.slice(0, 3).join(", ")} contribute most to a ${digit}; ${order.slice(-3).join(", ")} least.`);
}
function clear() {
  if (!lit && digitShown === null) return;
  lit = digitShown = null;
  show();
}
element.addEventListener("pointermove", (event) => {
  const score = event.target.closest("[data-digit]");
  const canvas = event.target.closest("canvas");
  if (score) showDigit(+score.dataset.digit);
  else if (canvas) showField(canvas, ...locate(canvas, countColumns(canvas), event));
  else clear();
});
const countColumns = (canvas) => stages[canvas.dataset.stage]?.side ?? features.length;
element.addEventListener("pointerleave", clear);
function move(target, step) {
  const canvas = target.querySelector("canvas");
  if (!canvas) return;
  const columns = countColumns(canvas);
  const middle = [columns >> 1, columns >> 1];
  showField(canvas, ...(at[target.dataset.open] = (at[target.dataset.open] ?? middle).map((v, k) => clamp(v + step[k], columns - 1))));
}
element.addEventListener("focusin", ({ target }) => (target.dataset.digit ? showDigit(+target.dataset.digit) : move(target, [0, 0])));
element.addEventListener("focusout", clear);
element.addEventListener("keydown", (event) => {
  const step = arrow(event);
  if (!step) return;
  event.preventDefault();
  move(event.target, step);
});
element.addEventListener("click", (event) => {
  const { dataset, firstChild } = event.target.closest("button") ?? { dataset: {} };
  if (dataset.open === undefined) return;
  const [row, column] = event.detail ? locate(firstChild, countColumns(firstChild), event) : at[dataset.open]; // 0: by a key
  pick([dataset.open ? `${dataset.open}-${row}-${column}` : `${stages.length}-${column}-0-0`]);
});
// Buttons of any component lead to a cell: from the one whose sum is shown, along its trail, or to another.
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-cell], [data-exact]");
  if (!button) return;
  const { cell, at } = button.dataset;
  if (!cell) exact = !exact;
  if (!cell || at) pick(trail, +(at ?? step));
  else pick([...(button.closest("#feature-map") ? trail.slice(0, step + 1) : []), cell]);
});
function pick(trail, at = trail.length - 1, user = true) {
  follows = user;
  trigger("pick", { pick: { trail, at, exact } });
}
// The sum that the panel shows. A map of the trail that is not shown replaces the weakest.
document.addEventListener("cell-sum", ({ detail: panel }) => {
  const buttons = [...panel.querySelectorAll("nav [data-cell]")];
  trail = buttons.map(({ dataset }) => dataset.cell);
  step = +(panel.querySelector("nav")?.dataset.at ?? 0);
  cells().forEach(([stage, map], k) => {
    const { shown, maps, side } = stages[stage] ?? {};
    if (!shown || shown.includes(map)) return;
    shown[shown.length - 1] = map;
    maps.set(decode(buttons[k].dataset.values), (shown.length - 1) * side * side);
  });
  if (stages.length) build();
  if (follows) panel.querySelector("h2")?.focus();
  follows = false;
});

function update() {
  const { value } = props;
  lit = digitShown = null;
  if (trail.length) pick(trail, step, false); // its sum is of an older drawing
  if (!value) return list.replaceChildren();
  stages = [{ side: 28, maps: value.ink }, ...value.stages].map((stage) => ({ ...stage, maps: decode(stage.maps) }));
  [features, scores] = [decode(value.features), value.scores];
  contributions = new Int8Array(decode(value.contributions).buffer);
  build();
}
watch("value", update);
update();
