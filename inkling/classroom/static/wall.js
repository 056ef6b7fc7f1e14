// The wall: the class's drawings as they arrive, and the teacher's controls. The key comes in the link's fragment,
// which browsers do not send, and leaves the address bar at once: a projector shows it.
import { SIDE, draw, make, makeSvg, percent, sure } from "./strokes.js";

const POLL_MS = 400;
const MAX_TILES = 24; // of a row; all are in its zoom
const MIN_DRAWN = 3; // of a digit, to be among the hardest
const TOAST_MS = 8_000;
const KEY_STORAGE = "inkling-wall";
const DIGITS = [...Array(10).keys()];
const REFUSED = 10; // column of the matrix
const $ = (id) => document.getElementById(id);

const linked = /^#key=([\w-]+)/.exec(location.hash)?.[1];
if (linked) {
  sessionStorage.setItem(KEY_STORAGE, linked);
  history.replaceState(null, "", location.pathname + location.search);
}
async function call(name, body) {
  const headers = { "content-type": "application/json" };
  const token = sessionStorage.getItem(KEY_STORAGE) ?? "";
  try {
    const response = await fetch(new URL(name, import.meta.url), { method: "POST", headers, body: JSON.stringify({ token, ...body }) });
    return { status: response.status, ...(await response.json()) };
  } catch {
    return { status: 0, detail: "The server does not answer." };
  }
}

let shown = { session: "", version: -1 }; // what the wall has
let drawings = new Map(); // by number
let view = "join";
let single = null; // the open drawing
let zoomed = null; // the digit that is zoomed into
let lessonSeen = false;

// --- drawings
const isRight = ({ asked, seen }) => seen.digit === asked;
const words = ({ asked, seen }) => `${asked}, ${isRight({ asked, seen }) ? "" : seen.digit === null ? "not " : ""}read${seen.digit === null ? "" : ` as ${seen.digit}, ${sure(seen)}`}`;
function makeTile(drawing) {
  const look = isRight(drawing) ? "" : drawing.seen.digit === null ? "refused" : "misread";
  const open = make("button", { type: "button", className: "open", ariaLabel: words(drawing) }, draw(drawing.strokes));
  if (look) open.append(make("i", { textContent: drawing.seen.digit ?? "?" }));
  open.addEventListener("click", () => openSingle(drawing));
  const hide = make("button", { type: "button", className: "hide", ariaLabel: `Hide this ${drawing.asked}`, textContent: "×" });
  hide.addEventListener("click", () => setHidden(drawing.number, true));
  const tile = make("div", { className: `tile ${look}` }, open, hide);
  tile.dataset.number = drawing.number;
  return tile;
}
const ofDigit = (digit) => [...drawings.values()].filter(({ asked }) => asked === digit).reverse();
// Tiles that are there stay, so that a focused one keeps the focus while others arrive.
function placeTiles(box, wanted, arrived) {
  const present = new Map([...box.children].map((tile) => [Number(tile.dataset.number), tile]));
  const numbers = new Set(wanted.map(({ number }) => number));
  for (const [number, tile] of present) if (!numbers.has(number)) tile.remove();
  wanted.forEach((drawing, k) => {
    if (present.has(drawing.number)) return;
    const tile = makeTile(drawing);
    tile.classList.toggle("new", arrived.has(drawing.number));
    box.insertBefore(tile, box.children[k] ?? null);
  });
}
function showRow(digit, arrived) {
  const all = ofDigit(digit);
  const row = $("rows").children[digit];
  placeTiles(row.querySelector(".tiles"), all.slice(0, MAX_TILES), arrived);
  row.querySelector("small").textContent = all.length;
  row.querySelector("button").ariaLabel = `${digit}: show all ${all.length}`;
  if (zoomed === digit) showZoom(digit, arrived);
}
function showZoom(digit, arrived = new Set()) {
  zoomed = digit;
  const all = ofDigit(digit);
  const wrong = all.filter((drawing) => !isRight(drawing)).length;
  $("zoom-title").textContent = `All ${all.length} drawings of ${digit}; ${wrong} not read as ${digit}`;
  placeTiles($("zoomed"), all, arrived);
}
function openSingle(drawing) {
  single = drawing;
  $("single-title").textContent = `Asked: ${words(drawing)}`;
  $("large").replaceChildren(draw(drawing.strokes));
  $("full").href = link(drawing.strokes);
  $("single").showModal();
}
// As `sketchpad.js` writes it.
function link(strokes) {
  const unit = 1000 / SIDE;
  const parts = strokes.map(({ width, erases, points }) => {
    const whole = points.map((v) => Math.round(unit * v));
    return `s${[Math.round(unit * width), +erases, ...whole.map((v, k) => v - (whole[k - 2] ?? 0))].join(".")}`;
  });
  return `./#drawing=${parts.join("")}e`;
}

function count() {
  const matrix = DIGITS.map(() => Array(11).fill(0));
  for (const { asked, seen } of drawings.values()) matrix[asked][seen.digit ?? REFUSED]++;
  return matrix;
}
function showCounts(pupils) {
  const matrix = count();
  const phones = `${pupils} ${pupils === 1 ? "phone has" : "phones have"} drawn`;
  $("counts").textContent = `${phones}, ${drawings.size} ${drawings.size === 1 ? "digit" : "digits"}`;
  const rows = DIGITS.map((digit) => {
    const total = matrix[digit].reduce((a, b) => a + b, 0);
    const cells = matrix[digit].map((number, read) => {
      const cell = make("td", { textContent: number || "", className: !number ? "" : read === digit ? "right" : "wrong" });
      cell.style.setProperty("--share", total ? number / total : 0);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row", textContent: digit }), ...cells);
  });
  const names = [...DIGITS, "none"].map((name) => make("th", { scope: "col", textContent: name === "none" ? "–" : name }));
  $("matrix").replaceChildren(make("tr", {}, make("td"), ...names), ...rows);
  const hard = DIGITS.map((digit) => [digit, matrix[digit][digit], matrix[digit].reduce((a, b) => a + b, 0)])
    .filter(([, right, total]) => total >= MIN_DRAWN && right < total)
    .sort((a, b) => a[1] / a[2] - b[1] / b[2] || b[2] - a[2]).slice(0, 3)
    .map(([digit, right, total]) => make("li", {}, make("b", { textContent: digit }), `${right} of ${total} read right`));
  $("hardest").replaceChildren(...(hard.length ? hard : [make("li", {}, make("b", { textContent: "–" }), "none misread so far")]));
}

// --- the lesson
const SIZE = { left: 90, right: 470, width: 1500, height: 420 };
function showCurve(curve) {
  const lowest = Math.min(...curve.flatMap(([, mnist, held]) => [mnist, held]));
  const floor = Math.max(0, Math.floor(10 * lowest - 0.001) / 10);
  const x = (share) => SIZE.left + share * (SIZE.width - SIZE.left - SIZE.right);
  const y = (right) => 20 + (1 - (right - floor) / (1 - floor)) * (SIZE.height - 60);
  const ticks = [floor, (1 + floor) / 2, 1].flatMap((value) => [
    makeSvg("line", { x1: SIZE.left, x2: x(1), y1: y(value), y2: y(value) }),
    makeSvg("text", { x: 0, y: y(value) + 8 }, `${(100 * value).toFixed(0)} %`),
  ]);
  const last = curve.at(-1);
  const ends = [[1, "of-mnist", "MNIST's held-out digits"], [2, "of-class", "the held-out pupils' digits"]];
  const [first, second] = ends.map(([k]) => y(last[k]));
  const gap = Math.abs(first - second) < 30 ? 16 - Math.abs(first - second) / 2 : 0;
  const lines = ends.flatMap(([k, className, name], index) => [
    makeSvg("polyline", { class: className, points: curve.map((point) => `${x(point[0])},${y(point[k])}`).join(" ") }),
    makeSvg("line", { class: className, "stroke-width": 5, x1: x(1) + 14, x2: x(1) + 50, y1: y(last[k]) + (((first < second) === (index === 0)) ? -gap : gap), y2: y(last[k]) + (((first < second) === (index === 0)) ? -gap : gap) }),
    makeSvg("text", { x: x(1) + 60, y: y(last[k]) + 8 + (((first < second) === (index === 0)) ? -gap : gap) }, `${percent(last[k])} ${name}`),
  ]);
  const label = `Learning curve: ${percent(last[1])} of MNIST's held-out digits and ${percent(last[2])} of the held-out pupils' digits read right`;
  $("curve").replaceChildren(makeSvg("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": label }, ...ticks, ...lines));
}
const points = (share) => (Math.abs(share) < 0.0005 ? "±0" : `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`);
const NAMES = { pupils: "The held-out pupils' digits", mnist: "MNIST's test digits", fonts: "Held-out handwriting fonts" };
function judge([low, high]) {
  if (low > 0) return "The class's network reads more of them right.";
  if (high < 0) return "The class's network reads fewer of them right.";
  return "No difference that this many digits could show.";
}
function showResult({ rows, interval, phones, added }) {
  const cell = ({ right, refused }) => make("td", {}, `${percent(right, 2)} `, make("small", { textContent: `${percent(refused)} refused` }));
  const body = rows.map(({ name, before, after, count: number }) => make("tr", {},
    make("th", { scope: "row" }, `${NAMES[name]} `, make("small", { textContent: `(${number})` })),
    cell(before), cell(after), make("td", { textContent: `${points(after.right - before.right)} points` })));
  const head = ["Read right of", "before", "after", "change"].map((name) => make("th", { scope: "col", textContent: name }));
  $("result").replaceChildren(make("tr", {}, ...head), ...body);
  $("result").hidden = false;
  const [low, high] = interval.map(points);
  $("verdict").textContent = `${judge(interval)} With 95 % confidence, the change for pupils like these is between ${low} and ${high} points.`;
  return `Learned from ${added} digits of ${phones[0]} phones; tested with ${rows[0].count} digits of ${phones[1]} others.`;
}
let lessonText = "";
function showLesson(lesson) {
  const text = JSON.stringify(lesson);
  if (text === lessonText) return;
  lessonText = text;
  $("learn").disabled = !!lesson && !lesson.result && !lesson.failure;
  if (!lessonSeen && lesson) setView("lesson");
  lessonSeen = !!lesson;
  document.querySelector("[data-view=lesson]").hidden = !lesson;
  if (!lesson) return view === "lesson" && setView(drawings.size ? "drawings" : "join");
  $("result").hidden = true;
  $("verdict").textContent = "";
  $("curve").replaceChildren();
  if (lesson.curve.length) showCurve(lesson.curve);
  const left = lesson.left === null ? "Preparing MNIST and the class's digits …" : lesson.left >= 1 ? `Learning: ${lesson.left.toFixed(0)} s left.` : "Learned. Comparing the two networks …";
  $("lesson-text").className = lesson.failure ? "failed" : "";
  $("lesson-text").textContent = lesson.failure || (lesson.result ? showResult(lesson.result) : left);
}

// --- state
function setView(name) {
  view = name;
  for (const part of document.querySelectorAll(".view")) part.hidden = part.id !== name;
  for (const button of document.querySelectorAll("[data-view]")) button.ariaCurrent = String(button.dataset.view === name);
}
function showAddress({ url, code, remedy, public: isPublic, collects }) {
  $("join").classList.toggle("unreachable", !url);
  for (const image of [$("code"), $("small-code")]) {
    image.hidden = !url;
    if (url) image.src = code;
  }
  $("address").textContent = $("small-address").textContent = url?.replace("http://", "") ?? "";
  const place = isPublic ? "A public link: drawings leave the room, through Gradio's server." : "On the same Wi-Fi as this computer.";
  const kept = collects ? "Drawings are kept in a file, without names." : "No name, no account; nothing is kept.";
  $("note").textContent = url ? `${place} ${kept}` : remedy;
}
function apply(reply) {
  const isOther = reply.session !== shown.session;
  if (isOther) {
    drawings = new Map();
    for (const box of document.querySelectorAll(".tiles, #zoomed")) box.replaceChildren();
  }
  const arrived = new Set(reply.drawings.filter(({ number, hidden }) => !hidden && !isOther && !drawings.has(number)).map(({ number }) => number));
  const changed = new Set(isOther ? DIGITS : []);
  for (const drawing of reply.drawings) {
    changed.add(drawing.asked ?? drawings.get(drawing.number)?.asked);
    if (drawing.hidden) drawings.delete(drawing.number);
    else drawings.set(drawing.number, drawing);
  }
  drawings = new Map([...drawings].sort(([a], [b]) => a - b)); // one that is shown again
  shown = { session: reply.session, version: reply.version };
  for (const digit of changed) if (digit !== undefined) showRow(digit, arrived);
  if (reply.code || reply.remedy) showAddress(reply);
  if (view === "join" && arrived.size && drawings.size === arrived.size) setView("drawings");
  if (isOther) setView(drawings.size ? "drawings" : "join");
  if (single && !drawings.has(single.number)) $("single").close();
  $("pause").ariaPressed = String(reply.paused);
  $("pause").textContent = reply.paused ? "Go on" : "Pause";
  showCounts(reply.pupils);
  showLesson(reply.lesson);
}
async function poll() {
  const reply = await call("wall", { session: shown.session, since: shown.version });
  if (reply.status === 200) {
    if (!$("rows")) build();
    apply(reply);
  } else if ((reply.status === 403 || reply.status === 400) && !$("rows")) return; // the key is wrong: the page stays as it is
  if ($("connection")) $("connection").textContent = reply.status === 200 ? "" : reply.detail ?? "The server is busy.";
  setTimeout(poll, POLL_MS);
}

// --- controls
let toastTimer = 0;
function toast(text, undo) {
  clearTimeout(toastTimer);
  $("toast").firstElementChild.textContent = text;
  $("undo").hidden = !undo;
  $("undo").onclick = undo ?? null;
  if (text) toastTimer = setTimeout(() => toast(""), TOAST_MS);
}
async function act(action, more = {}) {
  const reply = await call("act", { action, session: shown.session, ...more });
  if (reply.status !== 200) toast(reply.detail ?? "The server is busy: try again.");
  return reply.status === 200;
}
async function setHidden(number, isHidden) {
  if (!(await act(isHidden ? "hide" : "show", { number }))) return;
  toast(isHidden ? "Hidden." : "Shown again.", isHidden ? () => setHidden(number, false) : undefined);
}
function build() {
  $("locked").remove();
  document.body.prepend($("wall").content);
  for (const digit of DIGITS) {
    const label = make("button", { type: "button" }, String(digit), make("small"));
    label.addEventListener("click", () => {
      showZoom(digit);
      $("zoom").showModal();
    });
    $("rows").append(make("div", { className: "row" }, label, make("div", { className: "tiles" })));
  }
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => setView(button.dataset.view));
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  $("zoom").addEventListener("close", () => {
    zoomed = null;
    $("zoomed").replaceChildren();
  });
  $("single").addEventListener("close", () => (single = null));
  $("hide").addEventListener("click", () => setHidden(single.number, true));
  $("pause").addEventListener("click", () => act($("pause").ariaPressed === "true" ? "resume" : "pause"));
  $("learn").addEventListener("click", async () => {
    if (await act("learn")) setView("lesson");
  });
  $("clear").addEventListener("click", () => $("forget").showModal());
  $("forget-all").addEventListener("click", async () => {
    if (await act("clear")) $("forget").close();
  });
}
poll();
