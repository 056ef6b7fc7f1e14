// Copy the number that was read; where the browser allows no clipboard, select it instead.
() => {
  const headline = document.querySelector("#answer [data-number]");
  if (!headline?.dataset.number) return;
  const said = (words) => {
    const button = document.querySelector("#copy");
    button.textContent = words;
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  if (navigator.clipboard) {
    navigator.clipboard.writeText(headline.dataset.number).then(() => said("Copied"));
  } else {
    getSelection().selectAllChildren(headline);
    said(document.execCommand("copy") ? "Copied" : "Selected");
  }
}
