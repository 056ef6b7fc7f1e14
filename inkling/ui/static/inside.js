// What each layer holds, from the tensors of this very reading.
const list = element.querySelector(".stages");
const asked = element.querySelector(".asked");
const [QUIET, FOR, AGAINST] = [[238, 240, 246], [0, 114, 178], [213, 94, 0]];
let stages = []; // from the ink on: {side, step: [size, stride, padding], shown, total, maps: bytes}
let features, scores, speaks; // a byte each; ten numbers; a signed byte for each score and feature
let lit = null; // for each stage the places that light up: rows [first, last], columns [first, last]
let speaker = null; // the digit whose features light up
const at = new WeakMap(); // where the keyboard is in each map

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const mix = (share, hue) => `rgb(${QUIET.map((quiet, k) => Math.round(quiet + (hue[k] - quiet) * share)).join(" ")})`;
const within = (value, most) => Math.min(most, Math.max(0, value));

// Which places along a side those from `low` to `high` see in the stage before, and feed in the next.
const seen = ([size, stride, padding], [low, high]) => [low * stride - padding, high * stride - padding + size - 1];
const fed = ([size, stride, padding], [low, high]) =>
  [Math.ceil((low + padding - size + 1) / stride), Math.floor((high + padding) / stride)];
function spread(stage, y, x) {
  const spans = [];
  spans[stage] = [[y, y], [x, x]];
  const clip = (k, sides) => (spans[k] = sides.map((ends) => ends.map((end) => within(end, stages[k].side - 1))));
  for (let k = stage; k > 0; k--) clip(k - 1, spans[k].map((ends) => seen(stages[k].step, ends)));
  for (let k = stage + 1; k < stages.length; k++) clip(k, spans[k - 1].map((ends) => fed(stages[k].step, ends)));
  return spans;
}

function drawMap(canvas) {
  const [stage, k] = [+canvas.dataset.stage, +canvas.dataset.map];
  const { side, maps } = stages[stage];
  const cell = Math.max(4, Math.round(112 / side)); // px
  canvas.width = canvas.height = side * cell;
  const pen = canvas.getContext("2d");
  for (let place = 0; place < side * side; place++) {
    pen.fillStyle = mix(maps[k * side * side + place] / 255, stage ? FOR : [0, 0, 0]);
    pen.fillRect((place % side) * cell, Math.floor(place / side) * cell, cell, cell);
  }
  if (!lit) return;
  const [[top, bottom], [left, right]] = lit[stage];
  pen.strokeStyle = "#d55e00";
  pen.lineWidth = 3;
  pen.strokeRect(left * cell + 1, top * cell + 1, (right - left + 1) * cell - 2, (bottom - top + 1) * cell - 2);
}
function drawFeatures(canvas) {
  canvas.width = features.length * 4;
  canvas.height = 24;
  const pen = canvas.getContext("2d");
  features.forEach((value, k) => {
    const share = speaker === null ? value / 255 : speaks[speaker * features.length + k] / 127;
    pen.fillStyle = mix(Math.abs(share), share < 0 ? AGAINST : FOR);
    pen.fillRect(k * 4, 0, 3, 24);
  });
}
function show(words = "") {
  asked.textContent = words;
  list.querySelectorAll("[data-stage]").forEach(drawMap);
  list.querySelectorAll(".features").forEach(drawFeatures);
}
function build() {
  const section = (title, parts, kind = "maps") => `<section><h3>${title}</h3><div class="${kind}">${parts.join("")}</div></section>`;
  const map = (stage, k) => `<canvas data-stage="${stage}" data-map="${k}"></canvas>`;
  const rows = stages.slice(1).map(({ side, shown, total }, layer) =>
    section(`layer ${layer + 1}: ${total} maps of ${side} x ${side}`, shown.map((number, k) =>
      `<button type="button" class="map" data-open="${layer}-${number}" aria-label="Layer ${layer + 1}, map ${number + 1}">${map(layer + 1, k)}</button>`)));
  const [least, most] = [Math.min(0, ...scores), Math.max(1e-6, ...scores)];
  const bars = scores.map((value, digit) => `<button type="button" data-digit="${digit}">
    <i style="height: ${Math.round((100 * (value - least)) / (most - least))}%"></i><b>${digit}</b><small>${value.toFixed(1)}</small></button>`);
  list.innerHTML = [
    section("the ink", [`<div class="map" tabindex="0" role="img" aria-label="The ink">${map(0, 0)}</div>`]),
    ...rows,
    section(`${features.length} features`, ['<canvas class="features"></canvas>'], ""),
    section("the ten scores, before they are probabilities", bars, "scores"),
  ].join("");
  show();
}

function ask(canvas, y, x) {
  const stage = +canvas.dataset.stage;
  lit = spread(stage, y, x);
  const [rows, columns] = lit[0].map(([first, last]) => `${first + 1} to ${last + 1}`);
  show(stage ? `This place of layer ${stage} sees rows ${rows}, columns ${columns} of the ink.` : "The places that see this pixel light up.");
}
function speak(digit) {
  lit = null;
  speaker = digit;
  const says = (k) => speaks[digit * features.length + k];
  const order = [...features.keys()].sort((a, b) => says(b) - says(a)).map((k) => k + 1);
  show(`Features ${order.slice(0, 3).join(", ")} speak for a ${digit} most; ${order.slice(-3).join(", ")} against it.`);
}
function rest() {
  if (!lit && speaker === null) return;
  lit = speaker = null;
  show();
}
element.addEventListener("pointermove", ({ target, clientX, clientY }) => {
  const score = target.closest("[data-digit]");
  const canvas = target.closest("[data-stage]");
  if (score) return speak(+score.dataset.digit);
  if (!canvas) return rest();
  const { x, y, width } = canvas.getBoundingClientRect();
  const { side } = stages[canvas.dataset.stage];
  ask(canvas, ...[clientY - y, clientX - x].map((v) => within(Math.floor((v * side) / width), side - 1)));
});
element.addEventListener("pointerleave", rest);
function move(target, way) {
  const canvas = target.querySelector("[data-stage]");
  if (!canvas) return;
  const { side } = stages[canvas.dataset.stage];
  const next = (at.get(target) ?? [side >> 1, side >> 1]).map((v, k) => within(v + way[k], side - 1));
  at.set(target, next);
  ask(canvas, ...next);
}
element.addEventListener("focusin", ({ target }) => (target.dataset.digit ? speak(+target.dataset.digit) : move(target, [0, 0])));
element.addEventListener("focusout", rest);
element.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!way) return;
  event.preventDefault();
  move(event.target, way);
});
element.addEventListener("click", ({ target }) => {
  const { open } = target.closest("[data-open]")?.dataset ?? {};
  if (open) trigger("pick", { pick: open });
});

function take() {
  const told = props.value;
  lit = speaker = null;
  if (!told) return list.replaceChildren();
  stages = [{ side: 28, maps: told.ink }, ...told.stages].map((one) => ({ ...one, maps: bytes(one.maps) }));
  [features, scores, speaks] = [bytes(told.features), told.scores, new Int8Array(bytes(told.speaks).buffer)];
  build();
}
watch("value", take);
take();
