// Decode the line network's log-probabilities by beam search and CTC, as `recognition/line_net.py` in Python.
import { range, sum } from "./raster.js";
import settings from "./settings.js";

const { NO_DIGIT_CLASS, MAX_TRANSCRIPTS, BEAM_WIDTH, MIN_LOG_PROB, COLUMN_STRIDE_PX } = settings;

export class Transcription {
  // `logProbs` is a raster with a row of ten digits and none for each column of the line; `locate` converts px of the
  // network's line to px of the ink from its left edge.
  constructor(logProbs, locate) {
    this.columns = range(logProbs.height, (t) => logProbs.data.subarray(t * logProbs.width, (t + 1) * logProbs.width));
    this.probs = this.columns.map((column) => column.map(Math.exp));
    this.transcripts = searchBeam(this.columns).map(({ digits, centers }) => ({
      digits,
      centers: centers.map((center) => locate((center + 0.5) * COLUMN_STRIDE_PX)),
    }));
  }

  // Return the log-likelihood of these digits and no others: CTC's forward pass (Graves et al. 2006).
  logLikelihood(digits) {
    const states = [NO_DIGIT_CLASS, ...digits.flatMap((digit) => [digit, NO_DIGIT_CLASS])];
    const maySkip = states.map((state, k) => k > 1 && state !== NO_DIGIT_CLASS && state !== states[k - 2]);
    let paths = Float64Array.from(states, (_, k) => +(k === 0));
    let before = new Float64Array(states.length);
    let log = 0;
    for (const [t, probs] of this.probs.entries()) {
      [before, paths] = [paths, before];
      let total = 0;
      for (let k = 0; k < states.length; k++) {
        const reached = before[k] + (k ? before[k - 1] : 0) + (maySkip[k] ? before[k - 2] : 0);
        total += paths[k] = (t ? reached : k < 2) * probs[states[k]];
      }
      if (!total) return -Infinity;
      for (let k = 0; k < states.length; k++) paths[k] /= total;
      log += Math.log(total);
    }
    return log + Math.log(paths.at(-1) + (paths.at(-2) ?? 0));
  }

  // Return eleven probabilities for each digit: of being a digit or none, all others fixed.
  digitPosteriors(digits) {
    return digits.map((_, k) => {
      const logs = range(NO_DIGIT_CLASS + 1, (digit) =>
        this.logLikelihood([...digits.slice(0, k), ...(digit === NO_DIGIT_CLASS ? [] : [digit]), ...digits.slice(k + 1)]),
      );
      const highest = Math.max(...logs);
      const probs = logs.map((log) => Math.exp(log - highest));
      return probs.map((p) => p / sum(probs));
    });
  }
}

// Return the most probable texts, each with the score of its best path, and their digits' columns.
function searchBeam(columns) {
  let paths = [{ digits: [], last: NO_DIGIT_CLASS, score: 0, spans: [] }];
  columns.forEach((column, t) => {
    const extended = new Map();
    for (const { digits, last, score, spans } of paths)
      for (let label = 0; label <= NO_DIGIT_CLASS; label++) {
        if (column[label] <= MIN_LOG_PROB) continue;
        const path = { digits, last: label, score: score + column[label], spans };
        if (label === last && label !== NO_DIGIT_CLASS) path.spans = [...spans.slice(0, -1), [spans.at(-1)[0], t]];
        else if (label !== NO_DIGIT_CLASS) [path.digits, path.spans] = [[...digits, label], [...spans, [t, t]]];
        const key = `${path.digits.join("")} ${label}`;
        if (!extended.has(key) || path.score > extended.get(key).score) extended.set(key, path);
      }
    paths = [...extended.values()].sort((a, b) => b.score - a.score).slice(0, BEAM_WIDTH);
  });
  const texts = new Map();
  for (const { digits, spans } of paths) {
    const key = digits.join("");
    if (!texts.has(key)) texts.set(key, { digits, centers: spans.map(([first, last]) => (first + last) / 2) });
  }
  return [...texts.values()].slice(0, MAX_TRANSCRIPTS);
}
