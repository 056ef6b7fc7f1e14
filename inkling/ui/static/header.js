// Announce each answer to screen readers: a live region must stay in the document, and the answer is replaced.
const region = element.querySelector("[role=status]");
const observer = new MutationObserver(() => {
  const parts = ["headline", "caption"].map((name) => document.querySelector(`#answer .${name}`));
  const text = parts.map((part) => part?.textContent.trim()).join(": ");
  if (region.textContent !== text) region.textContent = text;
});
observer.observe(document.body, { subtree: true, childList: true, characterData: true });

// Translated elements would no longer be updated: exclude figures and digits.
const parts = () => ["answer", "label", "strip", "pixels"].map((id) => document.getElementById(id));
const exclude = () => (parts().every(Boolean) ? parts().forEach((part) => (part.translate = false)) : requestAnimationFrame(exclude));
exclude();

// Report a refused camera, which Gradio does not.
const refused = element.querySelector("[role=alert]");
const camera = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
if (camera) navigator.mediaDevices.getUserMedia = (options) => {
  refused.hidden = true;
  return camera(options).catch((error) => {
    document.querySelector("#upload").after(refused);
    refused.hidden = false;
    throw error;
  });
};
