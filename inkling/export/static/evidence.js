// Explain a digit by contrastive occlusion, as `explanation/occlusion.py` in Python, which gives the reasons.
import { PIXELS, Skeleton, clip, distance, findBoxCorner, findLeast, findLoops, findRegion, namePlace, nameShape } from "./strokes.js";
import settings from "./settings.js";

const { BLOT_RADIUS_PX, CELL_BLUR_PX, DIGIT, EVIDENCE_GRID, FRAME, INKED_CELL_SHARE, JOIN_RADIUS_PX, MAX_JOIN_PX } = settings;
const { MAX_EMPTY_INK_SHARE, MAX_OPPOSITE_COSINE, MIN_CELL_WEIGHT, MIN_GAP_PX, MIN_REASON_LOGITS, PART_RADIUS_PX } = settings;
const { REGIONS, SECOND_REASON_SHARE, STROKE_EDGE } = settings;

// Return what in framed ink supports `answer` over `rival`; `computeLogits` returns ten logits for each ink.
export async function findEvidence(ink, answer, rival, computeLogits) {
  const getMargin = (logits) => logits[answer] - logits[rival];
  if (!ink.some((v) => v > STROKE_EDGE)) {
    const [logits] = await computeLogits([ink]);
    return { answer, rival, map: new Float32Array(ink.length), margin: getMargin(logits), parts: [] };
  }
  const corner = findBoxCorner(ink);
  const cells = placeCells(ink, corner);
  const strokes = PIXELS.filter((_, k) => ink[k] > STROKE_EDGE);
  const changed = cells.map((cell) => changeCell(ink, cell, strokes));
  const [margin, ...margins] = (await computeLogits([ink, ...changed])).map(getMargin);
  const raw = margins.map((value) => margin - value);
  // Any blot lowers the margin a little: only an effect above the median counts.
  const blank = raw.filter((_, k) => !cells[k].isInked).map(Math.abs).sort((a, b) => a - b);
  const median = blank.length ? (blank[(blank.length - 1) >> 1] + blank[blank.length >> 1]) / 2 : 0;
  const drop = raw.map((v, k) => (cells[k].isInked ? v : Math.sign(v) * Math.max(0, Math.abs(v) - median)));
  const map = drawMap(ink, cells, drop);
  const parts = chooseCells(drop, cells, corner).map((k) => namePart(ink, cells[k], changed[k]));
  return { answer, rival, map, margin, parts };
}

function drawMap(ink, cells, drop) {
  const field = Float32Array.from(PIXELS, (pixel, at) => {
    let [sum, weights] = [0, MIN_CELL_WEIGHT];
    cells.forEach(({ place, isInked }, k) => {
      const weight = Math.exp(-(distance(place, pixel) ** 2) / (2 * CELL_BLUR_PX ** 2)) * (isInked ? ink[at] : 1 - ink[at]);
      sum += drop[k] * weight;
      weights += weight;
    });
    return sum / weights;
  });
  const most = field.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6);
  return field.map((v) => v / most);
}

// Return the grid's cells, {place, isInked}: the centroid of the ink of an inked one, or of the paper.
function placeCells(ink, corner) {
  const pitch = DIGIT / EVIDENCE_GRID;
  return Array.from({ length: EVIDENCE_GRID ** 2 }, (_, k) => {
    const centre = [Math.floor(k / EVIDENCE_GRID), k % EVIDENCE_GRID].map((step, axis) => corner[axis] + (step + 0.5) * pitch);
    const share = PIXELS.map((pixel) => pixel.reduce((all, v, axis) => all * clip(pitch / 2 + 0.5 - Math.abs(centre[axis] - v), 0, 1), 1));
    const sum = (weight) => share.reduce((total, v, at) => total + v * weight(at), 0);
    const isInked = sum((at) => ink[at]) > INKED_CELL_SHARE * sum(() => 1);
    const own = (at) => (isInked ? ink[at] : 1 - ink[at]);
    return { isInked, place: [0, 1].map((axis) => sum((at) => own(at) * PIXELS[at][axis]) / sum(own)) };
  });
}

// Return ink with a cell erased, or inked: a cell between two strokes by joining them.
function changeCell(ink, { place, isInked }, strokes) {
  const cover = (end, radius) => (pixel) => clip(radius + 0.5 - segmentDistance(pixel, place, end), 0, 1);
  const blot = cover(place, BLOT_RADIUS_PX);
  if (isInked) return ink.map((v, k) => v * (1 - blot(PIXELS[k])));
  const pens = [blot, ...findStrokesBeside(place, strokes).map((end) => cover(end, JOIN_RADIUS_PX))];
  return ink.map((v, k) => Math.max(v, ...pens.map((pen) => pen(PIXELS[k]))));
}
function findStrokesBeside(cell, strokes) {
  const lengths = strokes.map((point) => distance(point, cell) + 1e-6);
  const near = findLeast(lengths);
  const offset = (k) => strokes[k].map((v, axis) => v - cell[axis]);
  const [y, x] = offset(near);
  const others = lengths.map((length, k) => {
    const cosine = (offset(k)[0] * y + offset(k)[1] * x) / length / lengths[near];
    return cosine < MAX_OPPOSITE_COSINE && length < MAX_JOIN_PX ? length : Infinity;
  });
  const other = findLeast(others);
  return others[other] < Infinity ? [strokes[near], strokes[other]] : [];
}
function segmentDistance([y, x], [startY, startX], [endY, endX]) {
  const [vy, vx, dy, dx] = [endY - startY, endX - startX, y - startY, x - startX];
  const along = clip((dy * vy + dx * vx) / Math.max(vy ** 2 + vx ** 2, 1e-6), 0, 1);
  return Math.hypot(dy - along * vy, dx - along * vx);
}

// Return a cell of the region whose ink supports the margin most, and of the emptiest one.
function chooseCells(drop, cells, corner) {
  const kinds = cells.map(({ place, isInked }) => findRegion(place, corner) + REGIONS.length * isInked);
  const total = (kind, value) => kinds.reduce((sum, other, k) => sum + (other === kind ? value(k) : 0), 0);
  const all = [...Array(2 * REGIONS.length).keys()];
  const count = all.map((kind) => total(kind, () => 1));
  const cost = all.map((kind) => total(kind, (k) => drop[k]) / (count[kind] + 1)); // a single cell counts half
  const clear = Math.max(MIN_REASON_LOGITS, -Math.min(...cost), SECOND_REASON_SHARE * Math.max(...cost));
  const halves = [0, REGIONS.length].map((start) => {
    const own = REGIONS.map((_, region) => {
      const [paper, inked] = [region, region + REGIONS.length];
      const isInk = cost[inked] >= cost[paper] || count[inked] > MAX_EMPTY_INK_SHARE * (count[inked] + count[paper]);
      return isInk === start > 0 ? cost[start + region] : 0; // each region is named once
    });
    const best = findLeast(own.map((v) => -v));
    return { kind: start + best, cost: own[best] };
  });
  const chosen = halves.filter((half) => half.cost >= clear).sort((a, b) => b.cost - a.cost);
  return chosen.map(({ kind }) => findLeast(drop.map((v, k) => (kinds[k] === kind ? -v : Infinity))));
}

// Name the part of ink at a cell; `changed` is the ink after its change, which can open or close a loop.
function namePart(ink, { place, isInked }, changed) {
  const [loops, after] = [ink, changed].map(findLoops);
  const gaps = loops.map((loop) => Math.min(...loop.map((pixel) => distance(pixel, place))));
  const where = loops.length ? namePlace(loops[findLeast(gaps)], ink) : "";
  const ring = where === "in the middle" ? "the loop" : `the loop ${where}`;
  if (isInked && after.length < loops.length) return { words: `${ring} is closed`, place };
  if (isInked) {
    const skeleton = new Skeleton(ink);
    const branch = skeleton.findBranch(place, PART_RADIUS_PX);
    const centre = [0, 1].map((axis) => branch.reduce((sum, point) => sum + point[axis], 0) / branch.length);
    const middle = branch[findLeast(branch.map((point) => distance(point, centre)))];
    const shape = nameShape(branch);
    const name = shape === "curve" && branch.some(skeleton.isEnd) ? "hook" : shape;
    return { words: `there is a ${name} ${namePlace([middle], ink)}`, place: middle };
  }
  if (Math.min(FRAME, ...gaps) < 1) return { words: `${ring} is empty`, place };
  const isOpen = after.flat().length >= loops.flat().length + MIN_GAP_PX;
  return { words: `${namePlace([place], ink).slice(3)} is ${isOpen ? "open" : "empty"}`, place };
}
