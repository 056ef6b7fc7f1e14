// Requests about the page's picture. At most one is in flight. Meanwhile actions wait: of pictures, and of
// repeated actions, only the newest. If the server lost the session, the picture and the actions on it are sent
// again. During a stroke, previews are requested while they take at most PREVIEW_MS.
const SILENCE_MS = 4_000; // without a response, until the server's state is checked
const TRIES = 3; // of a request to a busy server
const RETRY_MS = 1_000; // between two tries, and between two checks of a lost server
const PREVIEW_MS = 100; // between two previews, and the most that one may take
const REST_MS = 2_000; // without previews after a slow or refused one
const PICTURES = ["sketch", "picture", "example", "digit"]; // actions that replace the picture
const LASTING = ["choose", "compare", "edit", "apply_change"]; // actions that change its view
const REPLAYED = 9; // actions to repeat, with the picture's; below the server's MAX_ACTIONS

const place = () => document.querySelector("#answer") ?? element; // components arrive in any order
const after = (ms, value) => new Promise((done) => setTimeout(done, ms, value));
function wait(state) { // "", "drawing", "reading", "lost", "failed"
  place().dataset.wait = state;
  document.querySelectorAll("#link").forEach((button) => (button.disabled = !drawing));
}
let waiting = []; // actions that are not sent yet, each [name, value, request ID]
let current = null; // the action in flight
let replay = []; // the page's picture, and the actions on it
let drawing = false; // whether the page's picture is a drawing
const expanded = new Set(); // sections in view
let ablation = { off: [], kept: 100 }; // of the network: maps, and % of the weights
let network = ""; // that reads: of a training in the Lab, or the page's own
let count = 0; // of actions so far
let cancelRequest = () => {};
const isPicture = (action) => PICTURES.includes(action?.[0]);
const begin = () => (place() === element ? requestAnimationFrame(begin) : wait(""));
begin();

document.addEventListener("sketch", (event) => {
  event.preventDefault(); // the pad does not send it
  add("sketch", event.detail);
});
document.dispatchEvent(new Event("sketch-request")); // the pad may have started before
document.addEventListener("sketch-cancel", ({ detail }) => {
  if (place().dataset.wait === "drawing") add("sketch", detail); // replaces the cancelled stroke's preview
});
document.addEventListener("read-start", ({ detail }) => add(...detail));
document.addEventListener("click", ({ target }) => {
  const bar = target.closest("#label .confidence-set");
  if (bar) add("compare", bar.dataset.testid[0]);
  if (target.dataset.switch) add("ablate", target.dataset.switch); // a switch of `switches.js`, or of a feature map
});

async function add(name, value) {
  if (name === "collapse") return expanded.delete(value);
  if (name === "expand") expanded.add(value);
  if (name === "ablate") ablation = changeAblation(value, ablation);
  if (name === "network") network = value;
  if (name === "camera") {
    const shot = value && (await (await fetch(value.url)).blob());
    return add("picture", shot && new File([shot], "camera"));
  }
  const id = ++count;
  if (PICTURES.includes(name)) {
    if (current && (name !== "sketch" || current[0] !== "sketch")) cancelRequest({});
    waiting = [];
    if (name !== "sketch") document.dispatchEvent(new Event("sketch-aside"));
    drawing = value?.strokes?.length > 0;
  } else if (waiting.at(-1)?.[0] === name) waiting.pop();
  waiting.push([name, name === "sketch" ? { ...value, request_id: id } : value, id]);
  if (current) isPicture(waiting[0]) && place().dataset.wait !== "lost" && wait("reading");
  else sendAll();
}
// A number is the kept share, "on" restores all. A list of maps is switched off; a single one is toggled.
function changeAblation(value, { off, kept }) {
  if (value === "on") return { off: [], kept: 100 };
  if (typeof value === "number") return { off, kept: value };
  return { off: off.includes(value) ? off.filter((part) => part !== value) : [...new Set([...off, value].flat())], kept };
}
async function sendAll() {
  let known = replay.length > 0;
  for (let tries = TRIES; (current = waiting.shift()); ) {
    const action = current;
    if (isPicture(action) && place().dataset.wait !== "lost") wait("reading");
    if (action[0] === "expand" && expanded.has("steps")) known = false; // they are recorded as the picture is read
    if (action[0] === "network" && drawing) known = false; // it is read whole, not only its glyphs
    const { response } = await fetchReading([...(known || isPicture(action) ? [] : replay), action], known);
    const newer = isPicture(waiting[0]);
    if (response === false) {
      known = false;
      trigger("lost");
    } else if (response !== undefined) {
      tries = TRIES;
      known = true;
      wait(newer ? "reading" : "");
      remember(action);
      if (response?.content) save(response);
      else if (response?.correction) document.dispatchEvent(new CustomEvent("correction-add", { detail: response.correction }));
      else if (response) dispatchResult("answered", response);
      continue;
    } else if (!newer) {
      const id = await serverId();
      if (id === null) wait("lost");
      else if (--tries === 0) {
        if (![null, id].includes(await firstId)) location.reload(); // it may be another version
        wait("failed");
        break;
      }
      await after(RETRY_MS);
    }
    if (!isPicture(waiting[0])) waiting.unshift(action);
  }
  current = null;
  if (waiting.length) sendAll(); // added since
}
function remember([name, value]) {
  if (PICTURES.includes(name)) replay = [];
  else if (!LASTING.includes(name)) return;
  if (name === replay.at(-1)?.[0] && name !== "apply_change") replay.pop();
  replay.push([name, value]);
  if (replay.length > REPLAYED) replay.splice(1, 1);
}
// Returns {response}, or {} if the request is refused or cancelled, or the server is lost.
async function fetchReading(parts, session_known) {
  let cancelled = false;
  const request_id = parts.at(-1)[2]; // requests may overtake one another
  const cancel = new Promise((done) => (cancelRequest = done));
  cancel.then(() => (cancelled = true));
  const answer = Promise.all(parts.map(async ([name, value]) => [name, await content(value)]))
    .then((actions) => (cancelled ? undefined : server.read({ actions, session_known, request_id, expanded: expanded.has("inside") ? [...expanded].join(" ") : "", ablation, network })))
    .then((response) => ({ response }), () => ({}));
  for (;;) {
    const result = await Promise.race([answer, cancel, after(SILENCE_MS)]);
    if (result) return result;
    if ((await serverId()) === null) return {};
  }
}
const content = (value) => (value instanceof File ? upload(value).catch(() => ({})) : value);
function dispatchResult(event, values) {
  // edited pixels stay as they are: those of the response may be older
  if ([current, ...waiting].some((action) => action?.[0] === "edit" && action[1])) values.forEach((value) => value?.count && (value.ink = null));
  props.value = values;
  trigger(event);
}
function save({ name, type, content }) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const serverId = () =>
  props.local ? Promise.resolve("") : fetch(`${window.gradio_config?.root ?? ""}/gradio_api/app_id`, { cache: "no-store" })
    .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
    .then(({ app_id }) => app_id)
    .catch(() => null);
const firstId = serverId();

let unfinished = null; // the newest sketch without a preview
let previewing = false;
let next = 0; // time of the next preview, ms
document.addEventListener("sketch-progress", ({ detail }) => {
  unfinished = detail;
  if (!previewing) preview();
});
async function preview() {
  previewing = true;
  while (unfinished) {
    await after(next - performance.now());
    const sketch = unfinished;
    const began = performance.now();
    unfinished = null;
    if (current || !sketch.isActive()) break;
    const id = count;
    const values = await server.preview(sketch).catch(() => null);
    const took = performance.now() - began;
    next = began + (values && took <= PREVIEW_MS ? PREVIEW_MS : REST_MS);
    if (!values || took > PREVIEW_MS || current || id !== count || !sketch.isActive()) continue;
    wait("drawing");
    dispatchResult("previewed", values);
  }
  previewing = false;
}
