// Screen readers hear each new answer: a live region must stay in place, and the answer does not.
const region = element.querySelector("[role=status]");
const observer = new MutationObserver(() => {
  const words = ["headline", "caption"].map((part) => document.querySelector(`#answer .${part}`));
  const said = words.map((part) => part?.textContent.trim()).join(": ");
  if (region.textContent !== said) region.textContent = said;
});
observer.observe(document.body, { subtree: true, childList: true, characterData: true });
