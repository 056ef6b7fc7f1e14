// The questions that the pad asks, and their answers. At most one is on its way; what is drawn meanwhile
// is asked once it is answered. A question is given up as soon as another part of the page asks something.
const PATIENCE = 4_000; // ms that an answer may take, else the server was too busy for it
const TRIES = 3; // of sending the same strokes to a busy server
const LOOK = 2_000; // ms between two looks whether a lost server is back

const answer = document.querySelector("#answer");
let send = null; // what tells the server of the strokes, as the pad gives it
let asked = 0; // the number of the latest question; the answer to it has the same
let waiting = null; // the timer of the question on its way
let before = ""; // the count of the answer that stood there when it was asked
let unasked = false; // whether strokes have changed since
let lost = false; // whether the server cannot be reached
const wait = (state) => (answer.dataset.wait = state); // "", "reading", "lost" or "failed": the answer's look
const answered = () => answer.querySelector("[data-asked]")?.dataset ?? {};
wait("");

function ask(tries = TRIES, again = false) {
  clearTimeout(waiting);
  unasked = false;
  before = answered().count;
  waiting = setTimeout(() => look(tries - 1), PATIENCE);
  wait("reading");
  if (!again) asked++; // the same strokes: what was chosen of their answer since stays chosen
  send({ asked });
}
document.addEventListener("sketch", (event) => {
  event.preventDefault(); // it is told when it is asked about
  send = event.detail.send;
  if (waiting === null) ask();
  else {
    unasked = true;
    wait(lost ? "lost" : "reading"); // what stands there answers an older drawing
  }
});
function settle() {
  clearTimeout(waiting);
  waiting = null;
  unasked = lost = false;
  wait("");
}
new MutationObserver(() => {
  const { asked: about, count } = answered();
  if (waiting === null || count === before) return;
  if (about === String(asked) && unasked) ask();
  else if (about === String(asked) || about === "") settle(); // ours, or that of another picture
}).observe(answer, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-count"] });
document.addEventListener("inkling-asks", settle); // another part of the page does

// No answer: was the server too busy, is it away, or has it been started anew?
const serverId = () =>
  fetch(`${window.gradio_config?.root ?? ""}/gradio_api/app_id`, { cache: "no-store" })
    .then((told) => (told.ok ? told.json() : Promise.reject(told.status)))
    .then(({ app_id }) => app_id);
const known = serverId().catch(() => null);
async function look(tries) {
  const question = asked;
  const id = await serverId().catch(() => null);
  if (question !== asked || waiting === null) return;
  if (id === null) {
    lost = true;
    wait("lost");
    waiting = setTimeout(() => look(tries), LOOK);
  } else if ((await known) !== null && id !== (await known)) location.reload(); // its sessions are gone
  else if (lost || tries > 0) {
    lost = false;
    ask(Math.max(tries, 1), !unasked);
  } else {
    settle();
    wait("failed");
  }
}
