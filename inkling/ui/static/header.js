// Screen readers hear each new answer: a live region must stay in place, and the answer does not.
const region = element.querySelector("[role=status]");
const observer = new MutationObserver(() => {
  const words = ["headline", "caption"].map((part) => document.querySelector(`#answer .${part}`));
  const said = words.map((part) => part?.textContent.trim()).join(": ");
  if (region.textContent !== said) region.textContent = said;
});
observer.observe(document.body, { subtree: true, childList: true, characterData: true });

// What a browser translates is not updated any more: figures and digits stay as they are.
const figures = () => ["answer", "label", "strip", "pixels"].map((id) => document.getElementById(id));
const keep = () => (figures().every(Boolean) ? figures().forEach((part) => (part.translate = false)) : requestAnimationFrame(keep));
keep();

// A camera that is refused says so, which Gradio does not.
const refused = element.querySelector("[role=alert]");
const camera = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (camera) navigator.mediaDevices.getUserMedia = (wish) => {
  refused.hidden = true;
  return camera(wish).catch((error) => {
    document.querySelector("#upload").after(refused);
    refused.hidden = false;
    throw error;
  });
};
