// The page: connects the scripts of the main page's components to a session in this browser.
import components from "./components.js";
import { addCamera } from "./camera.js";
import { connect } from "./messages.js";
import { Session } from "./session.js";
import settings from "./settings.js";
import { NAMES, showBars } from "./views.js";

const find = (selector) => document.querySelector(selector);
const place = (id) => find(`#${id} > .html-container > div`);
const state = find("#state");
const shown = {}; // HTML, by the component's name
const mounted = {}; // by the component's name: {props, update}

// Run a script of the main page with what Gradio gives to it.
function mount(id, script, { props = {}, server, on = {}, element = place(id) } = {}) {
  const watchers = [];
  const trigger = (event, detail) => on[event]?.(detail, props);
  mounted[id] = { props, update: () => watchers.forEach((call) => call()) };
  components[script](element, props, trigger, (_, call) => watchers.push(call), server, async (file) => file);
}
// Set a component's value: HTML, bars, or data for its script.
function show(id, value) {
  if (id === "label") showBars(find("#label .container"), value);
  else if (typeof value === "string") {
    if (shown[id] === value) return; // the focus stays
    place(id).innerHTML = shown[id] = value;
  } else if (mounted[id]) mounted[id].props.value = value;
  mounted[id]?.update();
}
function showAll(_, { value }) {
  value.forEach((part, k) => show(NAMES[k], part));
  const { reading, explainedMs } = session;
  Object.assign(find("#answer").dataset, { milliseconds: reading.milliseconds ?? "", explained: explainedMs }); // for the bench
}

function addTabs() {
  document.addEventListener("click", ({ target }) => {
    const tab = target.closest("[role=tab]");
    const header = target.closest(".label-wrap");
    if (tab) choose(tab);
    if (header) unfold(header);
  });
  document.addEventListener("keydown", ({ target, key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!step || target.role !== "tab") return;
    const tabs = [...target.parentElement.children];
    const next = tabs[(tabs.indexOf(target) + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
  document.querySelectorAll("[role=tab][aria-selected=true]").forEach(choose);
}
function choose(tab) {
  for (const other of tab.parentElement.children) {
    other.ariaSelected = String(other === tab);
    other.classList.toggle("selected", other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    find(`#${other.getAttribute("aria-controls")}`).hidden = other !== tab;
  }
}
function unfold(header) {
  const isOpen = header.classList.toggle("open");
  header.ariaExpanded = String(isOpen);
  header.nextElementSibling.hidden = !isOpen;
  document.dispatchEvent(new CustomEvent("read-start", { detail: [isOpen ? "expand" : "collapse", header.parentElement.id] }));
}

// The workers: one reads, the other explains, and has the first predict for it.
const reader = connect(new Worker("worker.js", { type: "module" }));
const explainer = connect(new Worker("explain.js", { type: "module" }), reader);
const session = new Session(reader, explainer);

function mountAll() {
  const folder = new URL(".", location.href).pathname.slice(0, -1); // another Inkling may share the origin
  const pad = { pen: settings.PEN, storage_key: `inkling-pad${folder}`, value: null };
  mount("title", "header");
  mount("pad", "sketchpad", { props: pad });
  mount("reads", "pad_requests", { props: { local: true }, server: session, on: { answered: showAll, previewed: showAll } });
  mount("picture", "picture", { props: { accept: settings.ACCEPTED_MIME_TYPES, limit: settings.MAX_UPLOAD_BYTES } });
  const pickers = { examples: "example", strip: "choose", change: "compare", matrix: null, more: "digit" };
  for (const [id, action] of Object.entries(pickers))
    mount(id, "pick", { props: { action, tab: id === "more" ? "#views [role=tab]" : "" }, on: { pick: ({ pick }) => show("cell", settings.CELLS[pick]) } });
  mount("pixels", "pixels");
  const showSum = async ({ pick }) => show("feature-map", await session.renderSum(pick));
  mount("layers", "inside", { on: { pick: showSum } });
  mount("feature-map", "cell_sum");
  mount("traced", "steps");
  mount("tour", "tour");
  document.addEventListener("click", ({ target: { id } }) => {
    if (id === "copy" || id === "link") components.copy(id);
    if (id === "data") document.dispatchEvent(new CustomEvent("read-start", { detail: ["data", null] }));
  });
  addCamera(find("#camera"), find("#upload"));
}

// Store the page's files for offline use; a newer version waits until this page has loaded all of its own.
async function keepFiles() {
  const registration = await navigator.serviceWorker.register("offline.js");
  await registration.update().catch(() => {}); // without a connection
  (registration.installing ?? registration.waiting)?.postMessage("loaded");
  await navigator.serviceWorker.ready;
  state.textContent = "The networks are loaded, and work without a connection from now on.";
}

addTabs();
showAll(null, { value: session.render() }); // also replaces the text for a page whose script does not run
state.textContent = "Loading the networks, 5 MB, once …";
mountAll();
try {
  await Promise.all([reader({ kind: "load" }), explainer({ kind: "load" })]);
  session.start();
  find("#answer").dataset.ready = "";
  state.textContent = "The networks are loaded.";
  if (navigator.serviceWorker) await keepFiles();
} catch (error) {
  console.error(error);
  if (find("#answer").dataset.ready === undefined) state.textContent = `The networks could not be loaded (${error.message}). Please reload the page; an old browser may be unable to run them.`;
}
