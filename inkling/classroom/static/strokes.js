// Draw strokes as an SVG: nothing but paths of numbers reaches the page.
const SVG = "http://www.w3.org/2000/svg";
export const SIDE = 280; // of the server's strokes, px
export function makeSvg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
export function draw(strokes) {
  const paths = strokes.map(({ width, erases, points }) => makeSvg("path", {
    d: `M${points.slice(0, 2).join(" ")}l0.1 0L${points.join(" ")}`,
    stroke: erases ? "#fff" : "#000",
    "stroke-width": width,
  }));
  return makeSvg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "drawing", "aria-hidden": "true" }, ...paths);
}
export function make(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
export const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;
export const percent = (share, places = 1) => `${(100 * share).toFixed(places)} %`;
export const sure = ({ confidence }) => `${percent(Math.min(confidence, 0.999))} sure`;
