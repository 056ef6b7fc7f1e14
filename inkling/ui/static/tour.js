// The tour: eight stations, each beside the part of the page that it describes. #tour=3 opens the third.
const style = document.head.appendChild(document.createElement("style"));
const find = (selector) => document.querySelector(selector);
let at = 0; // the open station, from 1; 0: none

// Returns the first value of `found`; none if another station opens meanwhile.
async function wait(found) {
  let value;
  for (const here = at; here === at && !(value = found()); ) await new Promise((done) => setTimeout(done, 50));
  return value;
}
const findAnswer = () => find("#answer[data-wait=''] [data-number]:not([data-number=''])");
async function open() {
  const next = +/^#tour=([1-8])$/.exec(location.hash)?.[1];
  if (!next || next === at) return;
  at = next;
  (await wait(() => find("#views [role=tab]")))?.click();
  const fold = await wait(() => find("#inside .label-wrap"));
  await wait(() => findAnswer() || (find("#answer[data-wait='']") && find("#pad .hint:not([hidden])")));
  if (at === next && !findAnswer()) find("#examples button:nth-of-type(2)").click();
  if (fold && !fold.classList.contains("open")) fold.click();
  const section = await wait(() => element.querySelector(`section:nth-of-type(${at})[data-part]`));
  const part = await wait(() => section && find(section.dataset.part));
  if (!part) return;
  style.textContent = `#tour section:nth-of-type(${at}) { display: block !important; }
    ${section.dataset.part} { outline: 3px solid #b3008f; outline-offset: 4px; scroll-margin: 1rem 0 19rem; }`;
  find("#tour").dataset.at = at;
  part.scrollIntoView({ block: "nearest" });
  section.focus({ preventScroll: true });
}
function go(step) {
  const next = at + step;
  if (next < 1) return;
  if (step && next < 9) return (location.hash = `#tour=${next}`);
  document.querySelectorAll("a[href^='#tour=']").forEach((link) => (link.href = `#tour=${at}`));
  at = 0;
  delete find("#tour").dataset.at;
  style.textContent = "";
  history.replaceState(null, "", location.pathname + location.search);
  find("a[href^='#tour=']").focus();
}
element.addEventListener("click", ({ target }) => target.dataset.go && go(+target.dataset.go));
document.addEventListener("keydown", (event) => {
  const keys = event.altKey ? { KeyB: -1, KeyN: 1 } : element.contains(event.target) ? { ArrowLeft: -1, ArrowRight: 1, Escape: 0 } : {};
  const step = keys[event.altKey ? event.code : event.key];
  if (!at || step === undefined) return;
  event.preventDefault();
  event.stopPropagation(); // Esc would clear the pad
  go(step);
}, true);
addEventListener("hashchange", open);
open();
