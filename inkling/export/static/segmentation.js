// Split ink into glyphs in reading order as `recognition/segmentation.py` in
// Python. `score` predicts segments as digits, `transcribe` reads a line as a whole.
import { best, decisionLogProb, isRefused, logProb } from "./reading.js";
import { areaOf, cropSegment, extractSegments, findTypicalHeight, groupLines, heightOf, makeScorer, measureGap, merge, mergeStacked, widthOf } from "./segments.js";
import { cutIntoDigits } from "./touching.js";
import { sum } from "./raster.js";
import settings from "./settings.js";

const { MAX_DIGIT_STROKES, MAX_SMALL_WIDTH, MAX_SMALL_GAP, MAX_BAR_ASPECT, MAX_CERTAIN_ASPECT } = settings;
const { MAX_SINGLE_ASPECT, MIN_MULTI_DIGIT_LOGIT, SINGLE_GLYPH_WEIGHT } = settings;
const { DOUBTFUL_LOG_PROB, MAX_TRANSCRIBED_LINES, MAX_LINE_ASPECT, SMALL_HEIGHT_SHARE, GLYPH_WEIGHT } = settings;

// Return the glyphs of each line in reading order, with boxes in px of the ink.
export async function findRows(ink, predict, transcribe) {
  const segments = extractSegments(ink);
  const everything = cropSegment(ink.coverage);
  const score = makeScorer(predict);
  if (everything && segments.length <= MAX_DIGIT_STROKES) { // most often one digit
    const [whole] = await score([everything]);
    const isRowOfBars = segments.length > 1 && segments.every(isBar);
    if (!isDoubtful(whole) && !isRowOfBars) return [[whole]];
    if (segments.length === 1) return [await chooseSegmentation([whole], everything, score, transcribe)];
  }
  const lines = groupLines(mergeStacked(segments));
  const inkOf = (line) => sum(line.map(areaOf));
  const largest = [...lines].sort((a, b) => inkOf(b) - inkOf(a)).slice(0, MAX_TRANSCRIBED_LINES);
  const rows = [];
  for (const line of lines) {
    const row = await segmentRow(line, score);
    const isUnclear = largest.includes(line) && (row.length > 1 || row.some(isDoubtful));
    rows.push(isUnclear ? await chooseSegmentation(row, line.reduce(merge), score, transcribe) : row);
  }
  return rows.filter((row) => row.length);
}

const isBar = (segment) => widthOf(segment) < MAX_BAR_ASPECT * heightOf(segment);
const isDoubtful = (glyph) =>
  glyph.bestLogProb < DOUBTFUL_LOG_PROB || widthOf(glyph) > MAX_CERTAIN_ASPECT * heightOf(glyph);

// Return a line's glyphs, or the pieces of a transcript if their log-likelihood is higher.
async function chooseSegmentation(row, whole, score, transcribe) {
  if (widthOf(whole) > MAX_LINE_ASPECT * heightOf(whole)) return row;
  const line = await transcribe(whole);
  const isSingle = row.length === 1;
  const text = row.filter((glyph) => !isRefused(glyph)).map(best);
  if (!isSingle && `${text}` === `${line.transcripts[0].digits}`) return text.length ? addLineProbs(row, line, text) : row;
  let highest = GLYPH_WEIGHT * sum(row.map(decisionLogProb)) + line.logLikelihood(text);
  if (isSingle) highest -= SINGLE_GLYPH_WEIGHT * Math.min(0, row[0].multiDigitLogit);
  const [first] = row;
  const scored = line.transcripts.map(({ digits, centers }) => ({ digits, centers, ofLine: line.logLikelihood(digits) }));
  scored.sort((a, b) => (a.digits.length > 1) - (b.digits.length > 1) || b.ofLine - a.ofLine); // one digit first
  for (const { digits, centers, ofLine } of scored) {
    if (!digits.length || ofLine < highest) continue; // scores of glyphs are at most 0
    if (isSingle && digits.length === 1) { // the same ink as another digit
      highest = Math.max(highest, ofLine + GLYPH_WEIGHT * logProb(first, digits[0]));
      continue;
    }
    const pieces = await cutIntoDigits(whole, digits, centers, score);
    const both = ofLine + GLYPH_WEIGHT * sum(pieces.map((glyph, k) => logProb(glyph, digits[k])));
    if (pieces.length && both > highest) [row, highest] = [addLineProbs(pieces, line, digits), both];
  }
  return row;
}

// Return a row whose digits carry the line network's posteriors; non-digits have none.
function addLineProbs(row, line, digits) {
  const posteriors = line.digitPosteriors(digits);
  return row.map((glyph) =>
    row.length === digits.length || !isRefused(glyph) ? { ...glyph, lineProbs: posteriors.shift() } : glyph,
  );
}

// Return a line's segments as glyphs, or as one if they are no row of digits. A small one joins its neighbour if that is
// then more probably a digit; otherwise it is a dot.
async function segmentRow(segments, score) {
  if (segments.length > 1 && segments.length <= MAX_DIGIT_STROKES) {
    const whole = segments.reduce(merge);
    const [single] = await score([whole]);
    const mayBeRow = segments.every(isBar) || widthOf(whole) > MAX_SINGLE_ASPECT * heightOf(whole);
    if (!mayBeRow && single.multiDigitLogit < MIN_MULTI_DIGIT_LOGIT) return [single];
  }
  const height = findTypicalHeight(segments);
  const isSmall = (s) => heightOf(s) < SMALL_HEIGHT_SHARE * height && widthOf(s) < MAX_SMALL_WIDTH * height;
  const row = segments.filter((s) => !isSmall(s));
  const joins = segments.filter(isSmall).flatMap((small) => {
    const gaps = row.map((s) => measureGap(s, small));
    const least = Math.min(...gaps);
    return least < MAX_SMALL_GAP * height ? [{ small, k: gaps.indexOf(least) }] : [];
  });
  const glyphs = await score([...row, ...joins.map(({ small, k }) => merge(row[k], small))]);
  const alone = glyphs.splice(0, row.length);
  joins.forEach(({ small, k }, j) => {
    if (glyphs[j].bestLogProb > alone[k].bestLogProb) row[k] = merge(row[k], small);
  });
  return score(row);
}
