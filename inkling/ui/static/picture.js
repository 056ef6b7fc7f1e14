// Upload chosen, dropped and pasted files unchanged. Gradio's own upload would refuse kinds that can be read.
function send(file) {
  const value = file.size > props.limit ? { megabytes: Math.ceil(file.size / 1e6) } : file;
  act("picture", value);
}
function take(event, files) {
  if (!files?.length) return;
  event.preventDefault(); // a browser would open a dropped file
  event.stopPropagation();
  send(files[0]);
  notify(files.length > 1 ? `One picture at a time: the first of these ${files.length} is read.` : "");
  if (event.type === "change") event.target.value = ""; // the same file can be chosen again
}
const notify = (text) => (element.innerHTML = text && `<p class="small" role="status">${text}</p>`);
for (const name of ["sketch", "read-start"]) document.addEventListener(name, () => notify(""));
const chooser = (target) => target.closest?.("#upload input[type=file]");
document.addEventListener("change", (event) => chooser(event.target) && take(event, event.target.files), true);
document.addEventListener("paste", (event) => take(event, event.clipboardData?.files), true);
document.addEventListener("drop", (event) => {
  take(event, event.dataTransfer?.files);
  if (event.defaultPrevented || isField(event)) return;
  event.preventDefault(); // a browser would open a dropped link
  notify("That is not a picture file: save the picture, and drop its file here.");
}, true);
const isField = ({ target }) => target.matches?.("input, textarea");
document.addEventListener("dragover", (event) => isField(event) || event.preventDefault());
document.addEventListener("click", () => {
  // before it opens: phones then convert their own kinds to an accepted one
  document.querySelectorAll("#upload input[type=file]").forEach((input) => (input.accept = props.accept));
}, true);
