// Copy the number that was read, or a link to the drawing. Where the clipboard is closed to the page, as in a
// frame of another site, the text is copied as of old; where that is refused too, it is shown and selected.
async (what) => {
  const button = document.querySelector(`#${what}`);
  const words = (button.dataset.words ??= button.textContent);
  const said = (told) => {
    button.textContent = told;
    setTimeout(() => (button.textContent = words), 1500);
  };
  document.dispatchEvent(new Event(`inkling-${what}`));
  const text = what === "link" ? location.href : document.querySelector("#answer [data-number]")?.dataset.number;
  if (!text) return said("No number");
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return said("Copied");
  const field = document.createElement("textarea");
  Object.assign(field, { value: text, readOnly: true, ariaLabel: "To be copied" });
  button.parentElement.append(field);
  field.select();
  if (!document.execCommand("copy")) {
    field.addEventListener("blur", () => field.remove());
    return said("Selected");
  }
  field.remove();
  button.focus();
  said("Copied");
}
