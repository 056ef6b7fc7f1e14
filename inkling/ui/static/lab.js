// The Lab: requests the reports of the latest training while it is in view, and shows them.
const POLL_MS = 300; // between two requests during a training
const IDLE_MS = 2_000; // between two requests without a training
const PREPARING = "Preparing the digits.";
const LETTERS = ["A", "B"]; // of two networks in a race
const one = (selector) => element.querySelector(selector);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const escape = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
let run = null; // of the reports below
let subject = ""; // the ink whose probabilities are shown over time
let compared = ""; // the run whose differences are shown
let at = null; // the report that the timeline shows; null: the latest
let lanes = []; // of each network: {curve, ribbon}, from the first report on
let reading = 0; // the network that the timeline gives to the page
let failure = "";

const ask = (action, payload = {}) => server.read({ action, ...payload }).catch(() => ({ error: "Inkling is busy: try again in a few seconds." }));
function complain(text = "") {
  one(".lab-error").textContent = text;
  one(".lab-error").hidden = !text;
}
async function request(action, payload) {
  complain();
  const response = await ask(action, payload);
  if (response.error) complain(response.error);
  return response;
}

// --- the form -------------------------------------------------------------------------------------------------------
async function loadForm() {
  const { form, error } = await ask("form");
  if (error) return complain(error);
  const former = one("form") && new FormData(one("form"));
  one(".lab-form").innerHTML = form;
  if (!former) return;
  for (const input of one("form")?.elements ?? []) {
    if (input.type === "radio") input.checked = former.get(input.name) === input.value && !input.disabled;
    else if (former.has(input.name) && input.type !== "file") input.value = former.get(input.name);
  }
}
function choices(race) {
  const form = one("form");
  const given = new FormData(form);
  const own = { data: given.get("data") ?? "all", size: given.get("size") ?? 0 };
  const other = { data: given.get("other-data"), size: given.get("other-size") };
  const quick = { data: "all", size: 0 };
  const raced = { mnist: [{ ...quick, data: "mnist" }, quick], own: [own, other] }[race] ?? [own];
  return { lanes: raced, epochs: Number(given.get("epochs")), seed: Number(given.get("seed")) };
}
async function start(race) {
  if (!one("form").reportValidity()) return;
  const { error } = await request("train", choices(race));
  if (error) return;
  at = null;
  one(".lab-status").textContent = one(".lab-status").dataset.state = PREPARING;
  wake();
}
element.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
element.addEventListener("click", async ({ target }) => {
  const { dataset } = target.closest("button") ?? { dataset: {} };
  if (dataset.race) start(dataset.race);
  else if (dataset.cancel !== undefined) request("cancel").then(wake);
  else if (dataset.save) {
    target.disabled = true;
    const { content } = await request("save", { network: dataset.network, kind: dataset.save });
    target.disabled = false;
    if (content) save(`digits.${dataset.save}`, decode(content));
  } else if (dataset.read !== undefined) readWith(dataset.read, Number(dataset.lane ?? 0));
});
function save(name, bytes) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
element.addEventListener("change", async ({ target }) => {
  if (target.type !== "file" || !target.files[0]) return;
  const [file] = target.files;
  const { network, error } = await request("open", { file: await upload(file).catch(() => null), name: file.name });
  target.value = "";
  if (error) return;
  readWith(network);
  one(".lab-reads").textContent = `The page reads with ${file.name}.`;
  one(".lab-status").textContent = `The page reads with ${file.name}.`;
});

// --- the timeline ---------------------------------------------------------------------------------------------------
function readWith(network, lane = 0) {
  reading = lane;
  act("network", network);
  one(".lab-reads").textContent = network ? "" : "The page reads with its own network.";
}
element.addEventListener("input", ({ target }) => {
  if (target.type !== "range") return;
  at = Number(target.value);
  const lane = lanes[Math.min(reading, lanes.length - 1)];
  if (lane) readWith(`${run}-${lanes.indexOf(lane)}-${Math.min(at, lane.count - 1)}`, lanes.indexOf(lane));
  wake();
});

// --- one report -----------------------------------------------------------------------------------------------------
function paint(canvas, width, height, shade) {
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d");
  const pixels = pen.createImageData(width, height);
  for (let k = 0; k < width * height; k++) pixels.data.set([...shade(k % width, Math.floor(k / width)), 255], 4 * k);
  pen.putImageData(pixels, 0, 0);
}
const QUIET = [238, 240, 246];
const mix = (share, hue) => QUIET.map((quiet, k) => quiet + (hue[k] - quiet) * share);
const drawInk = (canvas) => {
  const bytes = decode(canvas.dataset.ink);
  paint(canvas, 28, 28, (x, y) => Array(3).fill(255 - bytes[28 * y + x]));
};
const ink = (code, label = "") => `<canvas class="ink" data-ink="${code}" role="img" aria-label="${label || "a digit"}"></canvas>`;
function drawKernels(canvas, code) {
  const values = new Int8Array(decode(code).buffer);
  const count = values.length / 36;
  const columns = Math.min(8, count);
  paint(canvas, 7 * columns - 1, 7 * Math.ceil(count / columns) - 1, (x, y) => {
    const kernel = columns * Math.floor(y / 7) + Math.floor(x / 7);
    if (x % 7 === 6 || y % 7 === 6 || kernel >= count) return [255, 255, 255];
    const value = values[36 * kernel + 6 * (y % 7) + (x % 7)] / 127;
    return mix(Math.abs(value), value < 0 ? [213, 94, 0] : [0, 114, 178]);
  });
}
function drawRibbon(canvas, ribbon, shown) {
  paint(canvas, Math.max(1, ribbon.length), 10, (x, y) => mix(ribbon[x]?.[y] ?? 0, x === shown ? [179, 0, 143] : [79, 70, 229]));
}
function matrix(counts) {
  const cells = (row, label) => row.map((count, k) => `<td class="${count ? (k === label ? "right" : "wrong") : ""}">${count || ""}</td>`).join("");
  const heads = counts.map((_, k) => `<th scope="col">${k}</th>`).join("");
  const rows = counts.map((row, label) => `<tr><th scope="row">${label}</th>${cells(row, label)}</tr>`).join("");
  return `<table class="confusion"><tr><td></td>${heads}</tr>${rows}</table>`;
}
const markup = (k) => `<article data-lane="${k}">
  <h3></h3><p class="lab-words small"></p>
  <div class="lab-now"><figure><figcaption class="lab-subject"></figcaption><div class="lab-ink"></div></figure>
    <div class="lab-bars"></div></div>
  <figure><figcaption>These probabilities over time</figcaption>
    <div class="lab-ribbon"><div>${[...Array(10).keys()].map((digit) => `<span>${digit}</span>`).join("")}</div><canvas role="img"></canvas></div></figure>
  <figure><figcaption>Kernels of the first layer, 6 x 6 pixels</figcaption><canvas class="lab-kernels" role="img" aria-label="Kernels of the first layer"></canvas></figure>
  <figure><figcaption>Held-out digits: rows are labels, columns readings</figcaption><div class="scroll lab-matrix" tabindex="0" role="region" aria-label="Confusion matrix ${LETTERS[k]}"></div></figure>
  <figure><figcaption>Still misread</figcaption><div class="digits lab-misread"></div></figure>
  <p class="lab-go"><button type="button" class="action" data-read="" data-lane="${k}">Read with this network</button>
    <button type="button" data-save="safetensors">Save checkpoint</button> <button type="button" data-save="onnx">Save ONNX</button></p>
</article>`;
function showLane(now, k, drawn) {
  const place = one(`[data-lane="${k}"]`);
  const part = (selector) => place.querySelector(selector);
  part("h3").textContent = (lanes.length > 1 ? `${LETTERS[k]}: ` : "") + now.title;
  if (!now.count) return;
  const { curve, ribbon } = lanes[k];
  part(".lab-words").textContent = `Step ${now.step} of ${now.steps}: ${percent(now.accuracy)} of held-out digits read right.`;
  part(".lab-subject").textContent = drawn ? "Your drawing" : "A held-out digit: draw your own";
  part(".lab-ink").innerHTML = ink(subject, "the digit that is read");
  drawInk(part(".lab-ink canvas"));
  const [bars] = now.reads;
  const best = bars.indexOf(Math.max(...bars));
  part(".lab-bars").innerHTML = bars.map((share, digit) =>
    `<div class="${digit === best ? "best" : ""}"><b>${digit}</b><i style="--share:${share}"></i><span>${percent(share, 0)}</span></div>`).join("");
  const shown = curve.findIndex(([step]) => step === now.step);
  const canvas = part(".lab-ribbon canvas");
  drawRibbon(canvas, ribbon, at === null ? -1 : shown);
  canvas.setAttribute("aria-label", `Ten probabilities at ${ribbon.length} reports; at this one ${best} has ${percent(bars[best], 0)}`);
  drawKernels(part(".lab-kernels"), now.kernels);
  part(".lab-matrix").innerHTML = matrix(now.confusion);
  part(".lab-misread").innerHTML = now.misread.map(([code, label, answer]) => `<figure>${ink(code, `a ${label}`)}<figcaption>${label}, read as ${answer}</figcaption></figure>`).join("") || "<p>None of these.</p>";
  part(".lab-misread").querySelectorAll("canvas").forEach(drawInk);
  place.querySelectorAll("[data-read], [data-save]").forEach((button) => {
    const network = `${run}-${k}-${now.report}`;
    if (button.dataset.read !== undefined) button.dataset.read = network;
    else button.dataset.network = network;
  });
}

// --- all reports ----------------------------------------------------------------------------------------------------
const LOW = Math.log(0.001);
function plot(now) {
  const height = (right) => 180 - 165 * ((Math.log(Math.min(Math.max(1 - right, 0.001), 1)) - LOW) / -LOW);
  const ticks = [0.001, 0.01, 0.1, 1].map((share) => `<line class="grid" x1="52" x2="350" y1="${height(1 - share)}" y2="${height(1 - share)}"/>
    <text class="tick" x="47" y="${height(1 - share) + 4}" text-anchor="end">${100 * share} %</text>`);
  const lines = lanes.map(({ curve }, k) => {
    const { steps, step } = now[k];
    const points = curve.map(([x, right]) => `${(52 + (298 * x) / steps).toFixed(1)},${height(right).toFixed(1)}`);
    const mark = steps && at !== null ? `<line class="moment" x1="${52 + (298 * step) / steps}" x2="${52 + (298 * step) / steps}" y1="15" y2="180"/>` : "";
    const end = points.at(-1)?.split(",") ?? [0, 0];
    const letter = lanes.length > 1 && points.length ? `<text class="letter" x="${Math.min(Number(end[0]) + 6, 356)}" y="${Number(end[1]) + (k ? -5 : 10)}">${LETTERS[k]}</text>` : "";
    return `<polyline class="data ${k ? "other" : ""}" points="${points.join(" ")}"/>${letter}${mark}`;
  });
  const last = lanes.map(({ curve }, k) => curve.length && `${lanes.length > 1 ? `${LETTERS[k]} ` : ""}${percent(1 - curve.at(-1)[1])}`).join(", ");
  return `<svg class="plot" viewBox="0 0 372 200" role="img" aria-label="Held-out digits misread against training steps; latest ${last}">${ticks.join("")}${lines.join("")}
    <text class="axis" x="201" y="196" text-anchor="middle">training steps</text></svg>`;
}
function table(head, rows, caption) {
  const cells = (row) => row.map((cell, k) => (k ? `<td>${cell}</td>` : `<th scope="row">${cell}</th>`)).join("");
  return `<h3>${caption}</h3><div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="lab-table"><tr>${head.map((cell) => (cell ? `<th scope="col">${cell}</th>` : "<td></td>")).join("")}</tr>
    ${rows.map((row) => `<tr>${row.join ? cells(row) : row}</tr>`).join("")}</table></div>`;
}
function showExamples({ examples, page, lanes: now }) {
  const rows = now.map(({ title, reads }, k) => reads && [lanes.length > 1 ? LETTERS[k] : escape(title), ...reads[1]]).filter(Boolean);
  if (!rows.length) return;
  if (page) rows.push(["this page", ...page]);
  const head = ["", ...examples.map((code, k) => ink(code, k ? `example ${k}` : "the digit above"))];
  one(".lab-examples").innerHTML = table(head, rows, "The drawing and the examples, as each network reads them (–: no digit)");
  one(".lab-examples").querySelectorAll("canvas").forEach(drawInk);
}
function showFigures(figures) {
  const rows = figures.filter(([, mnist, held_out]) => mnist && held_out).map(([title, mnist, held_out]) =>
    [escape(title), percent(mnist.accuracy, 2), percent(held_out.right), percent(held_out.held_out_letters, 0), percent(held_out.held_out_scripts, 0)]);
  one(".lab-figures").innerHTML = rows.length > 1 ? table(["", "MNIST’s test digits read", "held-out hands read", "letters refused", "scripts refused"], rows, "Figures, as evaluate.py computes them") : "";
}
function showDifferences(sets) {
  const [a, b] = lanes.length > 1 ? LETTERS : ["the new network", "this page’s network"];
  const total = (counts) => counts.reduce((sum, count) => sum + count, 0);
  const list = (counts) => counts.map((count, digit) => count && `${digit}: ${count}`).filter(Boolean).join(", ") || "none";
  one(".lab-differences").innerHTML = sets.map(({ name, alone: [first, second], shown, answers }) => `<h3>${name}: where they differ</h3>
    <p>${total(first)} digits are read by ${a} alone (${list(first)}).<br>${total(second)} are read by ${b} alone (${list(second)})${lanes.length > 1 ? "" : ": these were forgotten"}.</p>
    <div class="digits">${shown.map((code, k) => [code, ...answers[k]]).map(([code, label, x, y]) => `<figure>${ink(code, `a ${label}`)}<figcaption>${label}: ${a === "A" ? "A" : "new"} ${x}, ${b === "B" ? "B" : "page"} ${y}</figcaption></figure>`).join("")}</div>`).join("");
  one(".lab-differences").querySelectorAll("canvas").forEach(drawInk);
}
function showState({ training, own, lanes: now, failure }) {
  const cancel = one("[data-cancel]");
  if (cancel) cancel.disabled = !(training && own);
  element.querySelectorAll("[type=submit], [data-race]").forEach((button) => (button.disabled = training));
  const left = Math.max(...(now ?? []).map((lane) => lane.seconds_left ?? 0), 0);
  const ended = now?.every((lane) => lane.step === lane.steps);
  const state = training ? (!now ? PREPARING : left || !ended ? "Training." : "Scoring: MNIST’s test digits and held-out hands.") : failure || (now && "Trained.") || "";
  if (one(".lab-status").dataset.state !== state) one(".lab-status").textContent = state; // announced once
  one(".lab-status").dataset.state = state;
}
function show(response) {
  const { lanes: now } = response;
  showState(response);
  if (!now) return;
  const [name, ink] = response.known;
  if (run !== name) [compared, at] = ["", null];
  if (run !== name || subject !== ink) lanes = now.map(() => ({ curve: [], ribbon: [] }));
  if (run !== name) {
    one(".lab-lanes").innerHTML = now.map((_, k) => markup(k)).join("");
    one(".lab-differences").innerHTML = one(".lab-figures").innerHTML = "";
    one(".lab-reads").textContent = "The page reads with its own network.";
  }
  [run, subject] = [name, ink];
  one(".lab-run").hidden = false;
  one(".lab-run").classList.toggle("race", now.length > 1);
  now.forEach((lane, k) => {
    lanes[k].count = lane.count;
    if (!lane.count || lane.since !== lanes[k].curve.length) return;
    lanes[k].curve.push(...lane.curve);
    lanes[k].ribbon.push(...lane.ribbon);
  });
  now.forEach((lane, k) => showLane(lane, k, response.drawn));
  const most = Math.max(...now.map(({ count }) => count)) - 1;
  const range = one("[type=range]");
  [range.max, range.value] = [most, at ?? most];
  range.disabled = most < 0;
  const shown = now.find(({ count }) => count);
  one(".lab-moment").textContent = shown ? `Report ${(at ?? most) + 1} of ${most + 1}, step ${shown.step}` : "";
  one(".lab-run progress").value = now.reduce((sum, { step, steps, count }, k) => sum + (lanes[k].curve.at(-1)?.[0] / steps || 0) / now.length, 0);
  one(".lab-curve").innerHTML = plot(now);
  showExamples(response);
  if (response.figures) {
    showFigures(response.figures);
    showDifferences(response.differences);
    compared = run;
  }
}
let wake = () => {};
let corrections = null; // how many the form offers
async function follow() {
  while (element.isConnected) {
    const inView = element.offsetParent !== null && !document.hidden;
    let wait = IDLE_MS;
    if (inView) {
      const response = await ask("watch", { known: [run, subject], at, compared, since: lanes.map(({ curve }) => curve.length) });
      if (!response.error) {
        if (response.corrections !== corrections) await loadForm();
        corrections = response.corrections;
        show(response);
      }
      const behind = lanes.some(({ curve, count }) => curve.length < count);
      wait = response.training || behind ? POLL_MS : IDLE_MS;
    }
    await Promise.race([pause(inView ? wait : POLL_MS), new Promise((done) => (wake = done))]);
  }
}
follow();
