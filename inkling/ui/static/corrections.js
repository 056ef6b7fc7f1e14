// Corrections are stored in this browser and shared by its tabs. Each change is sent to the server in full. The
// server returns a new correction, which is added to those that are stored by then.
const STORAGE_KEY = "inkling-lessons";
let corrections = []; // each {ink, digit}, the oldest first; without storage they last as long as the page

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? "[]");
    if (Array.isArray(stored)) corrections = stored;
  } catch {} // no storage, or invalid content
}
function send() {
  props.value = corrections;
  trigger("input");
}
function store(next) {
  corrections = next.slice(-props.limit);
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(corrections));
  } catch {}
  send();
}
function follow() {
  const before = JSON.stringify(corrections);
  load();
  if (JSON.stringify(corrections) !== before) send();
}
document.addEventListener("correction-add", ({ detail: correction }) => {
  load();
  store([...corrections.filter((item) => item?.ink !== correction.ink), correction]);
});
document.addEventListener("click", ({ target }) => target.closest("[data-forget]") && store([]));
addEventListener("storage", follow); // from another tab
document.addEventListener("visibilitychange", follow); // a suspended page gets no storage events
migrate().catch(() => {}).then(follow);

// Convert the format of Gradio's BrowserState, which CryptoJS encrypted: an unused part, ":", and in base64
// "Salted__", 8 bytes of salt, and AES-256-CBC blocks. MD5 of secret and salt gives key and IV. Browsers offer AES
// only in secure contexts (https, localhost).
async function migrate() {
  const text = localStorage.getItem(STORAGE_KEY) ?? "[";
  if (text[0] === "[") return;
  const bytes = (letters) => Array.from(letters, (letter) => letter.charCodeAt(0));
  const secret = bytes("538c89ff59cdcfdf7e9fa084154cb243b59578c788e8cb76d734174bcc50d946"); // SHA-256 of "inkling"
  const salted = bytes(atob(text.split(":")[1]));
  const derived = [];
  while (derived.length < 48) derived.push(...md5([...derived.slice(-16), ...secret, ...salted.slice(8, 16)]));
  const [key, iv, blocks] = [derived.slice(0, 32), derived.slice(32), salted.slice(16)].map((part) => new Uint8Array(part));
  const aes = await crypto.subtle.importKey("raw", key, "AES-CBC", false, ["decrypt"]);
  const plain = new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-CBC", iv }, aes, blocks));
  if (localStorage.getItem(STORAGE_KEY) === text) localStorage.setItem(STORAGE_KEY, plain);
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
