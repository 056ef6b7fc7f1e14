// Find the fewest strokes that make the network read another digit, as `explanation/counterfactual.py` in Python.
import { PIXELS, Skeleton, clip, distance, drawPath, extent, findLoops, findParts, indexOf, namePlace, nameShape } from "./strokes.js";
import settings from "./settings.js";

const { FITS_PX, FIT_STEPS, FRAME, LEAD_LOGITS, MAX_GAP_PX, MAX_PLANNED, MAX_PRUNED, MAX_STRETCH, MAX_STROKES } = settings;
const { MIN_DRAWN_POINTS, MIN_ERASED_PX, MIN_KEPT_POINTS, MIN_PULL, REACH_PX, SHORT_END_PX, STROKE_COST, STROKE_EDGE } = settings;

// Return {ink, words, edits} for `digit`, or null. `paths` are ways to write it, each {points, aspect, strokes};
// `computeMargins` returns the digit's lead over all other classes, for each ink.
export async function findChange(ink, paths, computeMargins) {
  if (!ink.some((v) => v > STROKE_EDGE)) return null;
  if ((await computeMargins([ink]))[0] >= LEAD_LOGITS) return { ink, words: "", edits: [] };
  const skeleton = new Skeleton(ink);
  const plans = FITS_PX.flatMap(([stiffness, tolerance]) =>
    paths.map((path) => findEdits(skeleton, warp(skeleton, placePath(skeleton, path), stiffness), path.strokes, tolerance)));
  const trials = plans.filter((edits) => edits.length && edits.length <= MAX_PLANNED).map((edits) => makeTrial(ink, edits));
  const planned = await selectClear(trials, computeMargins);
  const subsets = planned.slice(0, MAX_PRUNED).flatMap(({ edits }) => listSubsets(edits));
  const [best] = await selectClear(subsets.map((edits) => makeTrial(ink, edits)), computeMargins);
  if (!best || (await computeMargins([best.ink]))[0] <= 0) return null;
  return { ink: best.ink, words: describeEdits(ink, best.edits), edits: best.edits };
}

// Apply edits to ink: those that erase come first.
function makeTrial(ink, edits) {
  const changed = Float32Array.from(ink);
  for (const erases of [true, false])
    for (const edit of edits.filter((other) => other.erases === erases))
      changed.forEach((v, k) => (changed[k] = erases ? v * (1 - edit.ink[k]) : Math.max(v, edit.ink[k])));
  const area = (edit) => edit.ink.reduce((sum, v, k) => sum + (edit.erases ? v * ink[k] : v), 0);
  return { ink: changed, edits, cost: edits.reduce((sum, edit) => sum + STROKE_COST + area(edit), 0) };
}
// Return the trials with a lead, or the clearest one; those of the least cost first.
async function selectClear(trials, computeMargins) {
  const margins = trials.length ? await computeMargins(trials.map(({ ink }) => ink)) : [];
  const least = Math.min(LEAD_LOGITS, Math.max(...margins));
  return trials.filter((_, k) => margins[k] >= least).sort((a, b) => a.cost - b.cost);
}
const listSubsets = (edits) =>
  Array.from({ length: 2 ** edits.length - 1 }, (_, bits) => edits.filter((_, k) => (bits + 1) & (1 << k))).filter((subset) => subset.length <= MAX_STROKES);

// Return a path's points in the skeleton's place.
function placePath({ points }, { aspect, points: path }) {
  const low = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])));
  const size = [0, 1].map((axis) => Math.max(1, Math.max(...points.map((point) => point[axis])) - low[axis]));
  const height = Math.max(size[0], size[1] / 2);
  const box = [height, clip(size[1], (aspect * height) / MAX_STRETCH, aspect * height * MAX_STRETCH)];
  return path.map((point) => point.map((v, axis) => clip(v * box[axis] + low[axis] + (size[axis] - box[axis]) / 2, 1, FRAME - 2)));
}
// Move points towards the skeleton, near ones together.
function warp(skeleton, placed, stiffness) {
  const coherence = placed.map((point) => placed.map((other) => Math.exp(-(distance(point, other) ** 2) / (2 * stiffness ** 2))));
  let points = placed;
  for (let step = 0; step < FIT_STEPS; step++) {
    const moves = points.map((point) => {
      const [y, x] = skeleton.snap(point).map((v, axis) => v - point[axis]);
      const pull = Math.exp(-(y * y + x * x) / (2 * REACH_PX ** 2));
      return [pull, pull * y, pull * x];
    });
    points = points.map((point, k) => {
      const [pull, ...move] = [0, 1, 2].map((n) => coherence[k].reduce((sum, weight, other) => sum + weight * moves[other][n], 0));
      return point.map((v, axis) => v + move[axis] / (pull + MIN_PULL));
    });
  }
  return points.map((point) => point.map((v) => clip(v, 1, FRAME - 2)));
}

// Return what changes a skeleton into a path that consists of `strokes`, each {path, ink, erases}.
function findEdits(skeleton, path, strokes, tolerance) {
  const snapped = path.map(skeleton.snap);
  const isDrawn = path.map((point, k) => distance(point, snapped[k]) > tolerance);
  for (const [kind, least] of [[false, MIN_KEPT_POINTS], [true, MIN_DRAWN_POINTS]])
    for (const [start, end] of findRuns(isDrawn, strokes)) if (isDrawn[start] === kind && end - start < least) isDrawn.fill(!kind, start, end);
  const kept = path.filter((_, k) => !isDrawn[k]);
  const isFar = (point) => Math.min(FRAME, ...kept.map((other) => distance(point, other))) > tolerance;
  const parts = findParts(skeleton.grid.map((v, k) => v && +isFar(PIXELS[k]))).filter((part) => part.length >= MIN_ERASED_PX);
  const edits = parts.map((part) => ({ path: part.sort((a, b) => indexOf(a) - indexOf(b)), ink: skeleton.cover(part), erases: true }));
  for (const [start, end] of findRuns(isDrawn, strokes)) {
    if (!isDrawn[start]) continue; // from the kept point before to the one after it
    const [from, to] = [start - +(strokes[start - 1] === strokes[start]), end + +(strokes[end] === strokes[start])];
    const line = [...snapped.slice(from, start), ...path.slice(start, end), ...snapped.slice(end, to)];
    edits.push({ path: line, ink: drawPath(line, skeleton.penPx), erases: false });
  }
  return edits;
}
function findRuns(flags, strokes) {
  const starts = [...flags.keys()].filter((k) => !k || flags[k] !== flags[k - 1] || strokes[k] !== strokes[k - 1]);
  return starts.map((start, k) => [start, starts[k + 1] ?? flags.length]);
}

function describeEdits(ink, edits) {
  const words = [...new Set(edits.map((edit) => describeEdit(ink, edit)))];
  const last = words.pop();
  return words.length ? `${words.join(", ")} and ${last}` : last;
}
function describeEdit(ink, edit) {
  const { path, erases } = edit;
  const [place, size] = [namePlace(path, ink), extent(path)];
  const more = findLoops(makeTrial(ink, [edit]).ink).length - findLoops(ink).length;
  if (erases && more < 0 && size <= MAX_GAP_PX) return `open ${place.slice(3)}`;
  if (erases && size <= SHORT_END_PX) return `erase the ${place === "in the middle" ? "piece" : "end"} ${place}`;
  const returns = !erases && extent([path[0], path.at(-1)]) < size / 2;
  const shape = returns || findLoops(edit.ink).length ? "loop" : nameShape(path);
  if (more > 0 && shape !== "loop" && size <= MAX_GAP_PX) return `close ${place.slice(3)}`;
  return `${erases ? "erase the" : "draw a"} ${shape} ${place}`;
}
