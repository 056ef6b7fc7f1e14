// Copy the number, or a link to the drawing. A frame of another site has no clipboard API: `execCommand` copies
// instead. If that fails as well, the text is shown and selected.
async (what) => {
  const button = document.querySelector(`#${what}`);
  const label = (button.dataset.label ??= button.textContent);
  const report = (text) => {
    button.textContent = text;
    setTimeout(() => (button.textContent = label), 1500);
  };
  if (what === "link") document.dispatchEvent(new Event("sketch-link"));
  const text = what === "link" ? location.href : document.querySelector("#answer [data-number]")?.dataset.number;
  if (!text) return report("No number");
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return report("Copied");
  const field = document.createElement("textarea");
  Object.assign(field, { value: text, readOnly: true, ariaLabel: "Text to copy" });
  button.parentElement.append(field);
  field.select();
  if (!document.execCommand("copy")) {
    field.addEventListener("blur", () => field.remove());
    return report("Selected");
  }
  field.remove();
  button.focus();
  report("Copied");
}
