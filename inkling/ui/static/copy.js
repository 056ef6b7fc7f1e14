// Copy the number that was read, or a link to the drawing; without a clipboard the number is selected, and
// the link stands in the address.
(what) => {
  const [headline, button] = ["#answer [data-number]", `#${what}`].map((part) => document.querySelector(part));
  const words = button.textContent;
  const said = (told) => {
    button.textContent = told;
    setTimeout(() => (button.textContent = words), 1500);
  };
  document.dispatchEvent(new Event(`inkling-${what}`));
  const text = what === "link" ? location.href : headline?.dataset.number;
  if (!text) return;
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => said("Copied"));
  if (what === "link") return said("See the address");
  getSelection().selectAllChildren(headline);
  said(document.execCommand("copy") ? "Copied" : "Selected");
}
