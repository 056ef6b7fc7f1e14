// Lessons stay in this browser, and its tabs agree on them. What is stored counts: the server gets all of it
// when it changes. Its answer to a correction is a lesson, which is added to what is stored by then.
const KEY = "inkling-lessons";
let lessons = []; // each {ink, digit}, the oldest first; where nothing can be stored they live with the page

function load() {
  try {
    const text = localStorage.getItem(KEY) ?? "[]";
    const isPlain = text[0] === "[";
    const found = JSON.parse(isPlain ? text : decrypt(text));
    if (!Array.isArray(found)) return;
    lessons = found;
    if (!isPlain && localStorage.getItem(KEY) === text) localStorage.setItem(KEY, JSON.stringify(lessons));
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
follow();

// Gradio's BrowserState stored them before, as CryptoJS encrypts: a part that is not used, ":", and in base64
// "Salted__", 8 bytes of salt, and blocks by AES-256-CBC. Key and first block come from MD5 of the secret and
// the salt. The browser's own AES is there on safe addresses alone, and has no MD5.
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
function decrypt(text) {
  const secret = [..."538c89ff59cdcfdf7e9fa084154cb243b59578c788e8cb76d734174bcc50d946"]; // SHA-256 of "inkling"
  const salted = [...atob(text.split(":")[1])].map((letter) => letter.charCodeAt(0));
  const seed = [...secret.map((letter) => letter.charCodeAt(0)), ...salted.slice(8, 16)];
  const made = [];
  while (made.length < 48) made.push(...md5([...made.slice(-16), ...seed]));
  // bytes as elements of a field, by powers of 3; and what AES puts for each byte
  const double = (value) => (value << 1) ^ ((value >> 7) * 0x11b);
  const [power, log, box, back] = [[], [], [], []];
  for (let k = 0, value = 1; k < 255; k++, value ^= double(value)) log[(power[k] = value)] = k;
  const times = (a, b) => a && power[(log[a] + log[b]) % 255];
  for (let k = 0; k < 256; k++) {
    const inverse = (k && power[(255 - log[k]) % 255]) * 0x101;
    box[k] = ([4, 5, 6, 7].reduce((sum, turn) => sum ^ (inverse >> turn), inverse) & 255) ^ 0x63;
    back[box[k]] = k;
  }
  const keys = made.slice(0, 32); // of 15 rounds, 16 bytes each
  for (let k = 8, factor = 1; k < 60; k++) {
    let word = keys.slice(-4);
    if (k % 8 === 0) word.push(word.shift());
    if (k % 4 === 0) word = word.map((value) => box[value]);
    if (k % 8 === 0) [word[0], factor] = [word[0] ^ factor, double(factor)];
    word.forEach((value) => keys.push(keys.at(-32) ^ value));
  }
  let before = made.slice(32);
  const plain = [];
  for (let at = 16; at < salted.length; at += 16) {
    const block = salted.slice(at, at + 16);
    let state = block.map((value, k) => value ^ keys[224 + k]);
    for (let round = 13; round >= 0; round--) {
      state = state.map((_, k) => back[state[(k - 4 * (k & 3)) & 15]] ^ keys[16 * round + k]);
      const mix = (_, k) => [14, 11, 13, 9].reduce((sum, factor, row) => sum ^ times(state[(k & 12) | ((k + row) & 3)], factor), 0);
      if (round) state = state.map(mix);
    }
    state.forEach((value, k) => plain.push(value ^ before[k]));
    before = block;
  }
  return String.fromCharCode(...plain.slice(0, -plain.at(-1)));
}
