// What the pad asks, and the answers. One drawing at most is on its way; what is drawn meanwhile is asked
// once it is answered. A question is given up when another part of the page asks something. While a stroke
// is drawn, glances at it are asked for, if their answers come at once.
const PATIENCE = 4_000; // ms until it is looked whether a silent server is there
const TRIES = 3; // of sending the same drawing to a busy server
const PAUSE = 1_000; // ms between two of them, and between two looks whether a lost server is back
const GLANCE = 100; // ms between two glances, and the most that one may take
const REST = 2_000; // ms without glances where they take longer, or the server has more to do

const place = () => document.querySelector("#answer");
const after = (ms, what) => new Promise((done) => setTimeout(done, ms, what));
const wait = (state) => (place().dataset.wait = state); // "", "drawing", "reading", "lost", "failed"
let sketch = null; // what stands on the pad, and is not asked about yet
let asked = 0; // the number of the latest question
let asking = false;
let giveUp = () => {};
const begin = () => (place() ? wait("") : requestAnimationFrame(begin)); // parts come in any order
begin();

document.addEventListener("sketch", (event) => {
  event.preventDefault(); // it is told when it is asked about
  sketch = event.detail;
  if (asking) wait(place().dataset.wait === "lost" ? "lost" : "reading");
  else ask();
});
document.dispatchEvent(new Event("sketch-please")); // it may be there
document.addEventListener("dropped", ({ detail }) => {
  if (place().dataset.wait !== "drawing") return; // of the stroke that is gone no answer stands there
  sketch = detail;
  ask();
});
document.addEventListener("inkling-asks", () => {
  asked++;
  sketch = null;
  giveUp({});
  wait("");
});

async function ask() {
  asking = true;
  for (let tries = TRIES; sketch; ) {
    const told = { ...sketch, asked: sketch.asked ?? ++asked }; // the same drawing: the same number
    sketch = null;
    if (place().dataset.wait !== "lost") wait("reading");
    const { shown } = await hear(told);
    if (told.asked !== asked) continue;
    if (shown !== undefined) {
      tries = TRIES;
      wait(sketch ? "reading" : "");
      if (shown) tell("answered", shown);
      continue;
    }
    const id = await serverId();
    if (id !== null && (await known) !== null && id !== (await known)) location.reload(); // new sessions
    else if (id === null) wait("lost");
    else if (--tries === 0) {
      wait("failed");
      break;
    }
    await after(PAUSE);
    if (told.asked === asked) sketch ??= told;
  }
  asking = false;
  if (sketch) ask(); // drawn since
}
// What a question brings: {shown}, or {} where it is refused, given up or the server is lost.
async function hear(told) {
  const given = new Promise((done) => (giveUp = done));
  const answer = server.read(told).then((shown) => ({ shown }), () => ({}));
  for (;;) {
    const heard = await Promise.race([answer, given, after(PATIENCE)]);
    if (heard) return heard;
    if ((await serverId()) === null) return {};
  }
}
function tell(event, shown) {
  props.value = shown;
  trigger(event);
}
const serverId = () =>
  fetch(`${window.gradio_config?.root ?? ""}/gradio_api/app_id`, { cache: "no-store" })
    .then((told) => (told.ok ? told.json() : Promise.reject(told.status)))
    .then(({ app_id }) => app_id)
    .catch(() => null);
const known = serverId();

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
    if (asking || !told.going()) break;
    const question = asked;
    const shown = await server.glance(told).catch(() => null);
    const took = performance.now() - began;
    next = began + (shown && took <= GLANCE ? GLANCE : REST);
    if (!shown || took > GLANCE || asking || question !== asked || !told.going()) continue;
    wait("drawing");
    tell("glanced", shown);
  }
  looking = false;
}
