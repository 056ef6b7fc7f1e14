// A switch for each map and feature, coloured by what the answer's margin loses without it; a slider for the weights.
const [all, output, slider, mark, smallest, margin, ranking, said, board] = element.querySelectorAll("[data-at]");
let place = "0-0"; // the cell that the Tab key reaches
let best = []; // parts that cost most

function update() {
  const { value } = props;
  all.hidden = !value;
  if (!value) return;
  const focused = board.contains(document.activeElement);
  const parts = value.drops.flatMap((layer, k) => layer.map((drop, number) => ({
    k, drop, part: `${k}-${number}`, name: `${value.drops[k + 1] ? `layer ${k + 1}, map` : "feature"} ${number + 1}` })));
  const most = Math.max(0.01, ...parts.map(({ drop }) => Math.abs(drop)));
  const cell = ({ drop, part, name }) => `<button type="button" role="switch" data-switch="${part}"
    tabindex="${part === place ? 0 : -1}" aria-checked="${!value.off.includes(part)}" title="${name}: ${drop}"
    style="--hue: ${drop < 0 ? "#d55e00" : "#0072b2"} ${(100 * Math.abs(drop)) / most}%"></button>`;
  board.innerHTML = value.drops.map((_, k) => `<h3>${value.drops[k + 1] ? `layer ${k + 1}` : "features"}</h3>
    <div>${parts.filter((part) => part.k === k).map(cell).join("")}</div>`).join("");
  if (focused) board.querySelector("[tabindex='0']").focus();
  best = parts.sort((a, b) => b.drop - a.drop).slice(0, 10);
  ranking.textContent = best.map(({ name, drop }) => `${name} (${drop})`).join("; ");
  margin.textContent = value.margin;
  if (document.activeElement !== slider) slider.value = value.kept;
  output.value = `${slider.value} %`;
  smallest.textContent = value.smallest;
  mark.style.setProperty("--at", value.smallest / 100);
}
slider.addEventListener("input", () => act("ablate", +slider.value));
element.querySelector(".action").addEventListener("click", () => act("ablate", best.map(({ part }) => part)));
board.addEventListener("focusin", ({ target }) => {
  [place, said.textContent] = [target.dataset.switch, target.title];
});
board.addEventListener("keydown", (event) => {
  const across = getComputedStyle(event.target.parentElement).gridTemplateColumns.split(" ").length;
  const [rows, columns] = arrow(event) ?? [];
  const cells = [...board.querySelectorAll("button")];
  const next = cells[cells.indexOf(event.target) + rows * across + columns];
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
watch("value", update);
update();
