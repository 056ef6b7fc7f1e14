// Lessons stay in this browser, and its tabs agree on them. What is stored counts: the server gets all of it
// when it changes. Its answer to a correction is a lesson, which is added to what is stored by then.
const KEY = "inkling-lessons";
let lessons = []; // each {ink, digit}, the oldest first; where nothing can be stored they live with the page

function load() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    if (Array.isArray(found)) lessons = found;
  } catch {} // nothing can be stored, or something else is
}
function send() {
  props.value = lessons;
  trigger("input");
}
function store(next) {
  lessons = next.slice(-props.limit);
  try {
    localStorage.setItem(KEY, JSON.stringify(lessons));
  } catch {}
  send();
}
function follow() {
  const before = JSON.stringify(lessons);
  load();
  if (JSON.stringify(lessons) !== before) send();
}
document.addEventListener("inkling-lesson", ({ detail: lesson }) => {
  load();
  store([...lessons.filter((one) => one?.ink !== lesson.ink), lesson]);
});
document.addEventListener("click", ({ target }) => target.closest("[data-forget]") && store([]));
addEventListener("storage", follow); // another tab's
document.addEventListener("visibilitychange", follow); // a page that slept heard nothing
migrate().catch(() => {}).then(follow);

// Gradio's BrowserState stored them before, as CryptoJS encrypts: a part that is not used, ":", and in base64
// "Salted__", 8 bytes of salt, and blocks by AES-256-CBC. Key and first block come from MD5 of the secret and
// the salt. Browsers have AES on safe addresses alone (https, this machine); elsewhere the old ones are not read.
async function migrate() {
  const text = localStorage.getItem(KEY) ?? "[";
  if (text[0] === "[") return;
  const bytes = (letters) => Array.from(letters, (letter) => letter.charCodeAt(0));
  const secret = bytes("538c89ff59cdcfdf7e9fa084154cb243b59578c788e8cb76d734174bcc50d946"); // SHA-256 of "inkling"
  const salted = bytes(atob(text.split(":")[1]));
  const made = [];
  while (made.length < 48) made.push(...md5([...made.slice(-16), ...secret, ...salted.slice(8, 16)]));
  const [key, iv, blocks] = [made.slice(0, 32), made.slice(32), salted.slice(16)].map((part) => new Uint8Array(part));
  const aes = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["decrypt"]);
  const plain = new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, aes, blocks));
  if (localStorage.getItem(KEY) === text) localStorage.setItem(KEY, plain);
}
function md5(bytes) {
  const padded = new Uint8Array((bytes.length + 72) & ~63);
  padded.set(bytes);
  padded[bytes.length] = 128;
  const words = new DataView(padded.buffer);
  words.setUint32(padded.length - 8, 8 * bytes.length, true);
  const turns = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += 64) {
    let [a, b, c, d] = state;
    for (let k = 0; k < 64; k++) {
      const round = k >> 4;
      const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
      const word = words.getUint32(at + 4 * ([k, 5 * k + 1, 3 * k + 5, 7 * k][round] & 15), true);
      const sum = (a + mixed + Math.floor(2 ** 32 * Math.abs(Math.sin(k + 1))) + word) | 0;
      const turn = turns[4 * round + (k & 3)];
      [a, b, c, d] = [d, (b + ((sum << turn) | (sum >>> (32 - turn)))) | 0, b, c];
    }
    state = [a, b, c, d].map((value, k) => (value + state[k]) | 0);
  }
  return [...new Uint8Array(Int32Array.from(state).buffer)];
}
