// The reader in a worker of its own, so that the pad never waits. Messages are {id, kind, …}, replies {id, …}.
import { readPicture } from "./hypotheses.js";
import { loadNetworks, predictInks } from "./networks.js";
import { sum } from "./raster.js";
import { best, confidence, isRefused } from "./reading.js";
import { drawSketch } from "./sketch.js";

const handlers = {
  load: async () => ({ ready: true }),
  sketch: ({ drawing }) => read(() => drawSketch(drawing)),
  picture: ({ pixels }) => read(() => pixels),
  predict: ({ inks }) => predictInks(inks),
};
let loaded = null; // promise
const waiting = [];

async function read(getPicture) {
  const start = performance.now();
  const picture = getPicture();
  const { text, note, seen, digits, hypotheses } = await readPicture(picture);
  const [size, milliseconds] = [[picture.width, picture.height], performance.now() - start];
  const tried = hypotheses.map(describeHypothesis);
  return { reading: { text, note, seen: seen.join("; "), digits: digits.map(describe), size, milliseconds, hypotheses: tried } };
}

// What Python has at each stage, so that tests find the first difference.
const describeHypothesis = ({ hypothesis: { source, gray, ink }, digits, text, logOdds }) => ({
  name: source,
  gray: sum(gray.data) / gray.data.length,
  ink: ink ? sum(ink.coverage.data) / ink.coverage.data.length : 0,
  boxes: digits.map(({ box }) => box),
  text,
  log_odds: logOdds,
});

const describe = (digit) => ({
  digit: isRefused(digit) ? null : best(digit),
  confidence: confidence(digit),
  probabilities: digit.probabilities,
  not_a_digit: digit.not_a_digit,
  box: digit.box,
  ink: digit.ink,
  several: digit.multiDigitLogit, // logit of being several digits rather than none
  thickened: digit.thickened,
  to_picture: digit.toPicture, // x = m[0] * fx + m[1] * fy + m[2], y = m[3] * fx + m[4] * fy + m[5]
});

async function answer({ id, kind, ...message }) {
  try {
    await (loaded ??= loadNetworks());
    postMessage({ id, ...(await handlers[kind](message)) });
  } catch (error) {
    if (kind === "load") loaded = null; // a later message tries again
    console.error(error);
    postMessage({ id, error: error.message });
  }
}

// Answer in the order of arrival; a sketch that a newer one follows is answered as superseded.
let isBusy = false;
addEventListener("message", async ({ data }) => {
  waiting.push(data);
  if (isBusy) return;
  isBusy = true;
  while (waiting.length) {
    const message = waiting.shift();
    const isOld = message.kind === "sketch" && waiting.some(({ kind }) => kind === "sketch");
    if (isOld) postMessage({ id: message.id, superseded: true });
    else await answer(message);
    await new Promise((done) => setTimeout(done)); // newer messages arrive
  }
  isBusy = false;
});
