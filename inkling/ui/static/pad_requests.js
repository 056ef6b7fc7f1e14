// What the page asks about its picture, and the answers. One question at most is on its way; what is asked
// meanwhile waits, and of drawings, or of taps of a kind, the last alone. A server that does not know the
// session any more is told again what the picture is, and what was asked about it since. While a stroke is
// drawn, glances at it are asked for, if their answers come at once.
const PATIENCE = 4_000; // ms until it is looked whether a silent server is there
const TRIES = 3; // of asking the same of a busy server
const PAUSE = 1_000; // ms between two of them, and between two looks whether a lost server is back
const GLANCE = 100; // ms between two glances, and the most that one may take
const REST = 2_000; // ms without glances where they take longer, or the server has more to do
const PICTURES = ["sketch", "picture", "example", "digit"]; // questions that begin anew
const LASTING = ["choose", "compare", "edit", "change"]; // and what makes a picture's view what it is
const STORY = 9; // questions that are told again, the picture's among them

const place = () => document.querySelector("#answer") ?? element; // parts come in any order
const after = (ms, what) => new Promise((done) => setTimeout(done, ms, what));
function wait(state) { // "", "drawing", "reading", "lost", "failed"
  place().dataset.wait = state;
  document.querySelectorAll("#link").forEach((button) => (button.disabled = !drawing));
}
let waiting = []; // questions that are not asked yet, each [name, value, its number]
let current = null; // the one that is
let story = []; // the page's picture, and what was asked about it since
let drawing = false; // whether the page's picture is a drawing
let unfolded = false; // whether the inside of the network is in view
let count = 0; // of questions so far
let giveUp = () => {};
const isPicture = (question) => PICTURES.includes(question?.[0]);
const begin = () => (place() === element ? requestAnimationFrame(begin) : wait(""));
begin();

document.addEventListener("sketch", (event) => {
  event.preventDefault(); // it is told when it is asked about
  ask("sketch", event.detail);
});
document.dispatchEvent(new Event("sketch-please")); // it may be there
document.addEventListener("dropped", ({ detail }) => {
  if (place().dataset.wait === "drawing") ask("sketch", detail); // no answer is left of the stroke that is gone
});
document.addEventListener("inkling-asks", ({ detail }) => ask(...detail));
document.addEventListener("click", ({ target }) => {
  const bar = target.closest("#label .confidence-set");
  if (bar) ask("compare", bar.dataset.testid[0]);
});

async function ask(name, value) {
  if (name === "fold") return (unfolded = false);
  if (name === "unfold") unfolded = true;
  if (name === "camera") {
    const shot = value && (await (await fetch(value.url)).blob());
    return ask("picture", shot && new File([shot], "camera"));
  }
  const asked = ++count;
  if (PICTURES.includes(name)) {
    if (current && (name !== "sketch" || current[0] !== "sketch")) giveUp({});
    waiting = [];
    if (name !== "sketch") document.dispatchEvent(new Event("sketch-aside"));
    drawing = value?.strokes?.length > 0;
  } else if (waiting.at(-1)?.[0] === name) waiting.pop();
  waiting.push([name, name === "sketch" ? { ...value, asked } : value, asked]);
  if (current) isPicture(waiting[0]) && place().dataset.wait !== "lost" && wait("reading");
  else work();
}
async function work() {
  let known = story.length > 0;
  for (let tries = TRIES; (current = waiting.shift()); ) {
    const question = current;
    if (isPicture(question) && place().dataset.wait !== "lost") wait("reading");
    const { shown } = await hear([...(known || isPicture(question) ? [] : story), question], known);
    const newer = isPicture(waiting[0]);
    if (shown === false) {
      known = false;
      trigger("lost");
    } else if (shown !== undefined) {
      tries = TRIES;
      known = true;
      wait(newer ? "reading" : "");
      remember(question);
      if (shown?.content) save(shown);
      else if (shown?.lesson) document.dispatchEvent(new CustomEvent("inkling-lesson", { detail: shown.lesson }));
      else if (shown) tell("answered", shown);
      continue;
    } else if (!newer) {
      const id = await serverId();
      if (id === null) wait("lost");
      else if (--tries === 0) {
        if (![null, id].includes(await first)) location.reload(); // it may be another version
        wait("failed");
        break;
      }
      await after(PAUSE);
    }
    if (!isPicture(waiting[0])) waiting.unshift(question);
  }
  current = null;
  if (waiting.length) work(); // asked since
}
function remember([name, value]) {
  if (PICTURES.includes(name)) story = [];
  else if (!LASTING.includes(name)) return;
  if (name === story.at(-1)?.[0] && name !== "change") story.pop();
  story.push([name, value]);
  if (story.length > STORY) story.splice(1, 1);
}
// What questions bring: {shown}, or {} where they are refused, given up or the server is lost.
async function hear(questions, known) {
  let given = false;
  const asked = questions.at(-1)[2]; // requests may overtake one another
  const up = new Promise((done) => (giveUp = done));
  up.then(() => (given = true));
  const sent = Promise.all(questions.map(async ([name, value]) => [name, await content(value)]));
  const answer = sent
    .then((questions) => (given ? undefined : server.read({ questions, known, unfolded, asked })))
    .then((shown) => ({ shown }), () => ({}));
  for (;;) {
    const heard = await Promise.race([answer, up, after(PATIENCE)]);
    if (heard) return heard;
    if ((await serverId()) === null) return {};
  }
}
const content = (value) => (value instanceof File ? upload(value).catch(() => ({})) : value);
function tell(event, shown) {
  // pixels that are painted, and not asked about yet, stay as they are
  if (waiting.some(([name]) => name === "edit")) shown.forEach((part) => part?.count && (part.ink = null));
  props.value = shown;
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
  fetch(`${window.gradio_config?.root ?? ""}/gradio_api/app_id`, { cache: "no-store" })
    .then((told) => (told.ok ? told.json() : Promise.reject(told.status)))
    .then(({ app_id }) => app_id)
    .catch(() => null);
const first = serverId();

let drawn = null; // what a stroke that is not ended has come to, and nobody glanced at
let looking = false;
let next = 0; // when the next glance may be asked for, in ms
document.addEventListener("sketching", ({ detail }) => {
  drawn = detail;
  if (!looking) glance();
});
async function glance() {
  looking = true;
  while (drawn) {
    await after(next - performance.now());
    const told = drawn;
    const began = performance.now();
    drawn = null;
    if (current || !told.going()) break;
    const asked = count;
    const shown = await server.glance(told).catch(() => null);
    const took = performance.now() - began;
    next = began + (shown && took <= GLANCE ? GLANCE : REST);
    if (!shown || took > GLANCE || current || asked !== count || !told.going()) continue;
    wait("drawing");
    tell("glanced", shown);
  }
  looking = false;
}
