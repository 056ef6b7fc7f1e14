// Pictures that are chosen, dropped anywhere or pasted are uploaded as they are, and the server says what
// it makes of them. Gradio's own upload would refuse kinds that are read.
function send(file) {
  const value = file.size > props.limit ? { megabytes: Math.ceil(file.size / 1e6) } : file;
  document.dispatchEvent(new CustomEvent("inkling-asks", { detail: ["picture", value] }));
}
function take(event, files) {
  if (!files?.length) return;
  event.preventDefault(); // a browser would go to a file that is dropped
  event.stopPropagation();
  send(files[0]);
  say(files.length > 1 ? `One picture at a time: the first of these ${files.length} is read.` : "");
  if (event.type === "change") event.target.value = ""; // the same file, maybe edited, may be chosen again
}
const say = (words) => (element.innerHTML = words && `<p class="small" role="status">${words}</p>`);
for (const asks of ["sketch", "inkling-asks"]) document.addEventListener(asks, () => say(""));
const chooser = (target) => target.closest?.("#upload input[type=file]");
document.addEventListener("change", (event) => chooser(event.target) && take(event, event.target.files), true);
document.addEventListener("paste", (event) => take(event, event.clipboardData?.files), true);
document.addEventListener("drop", (event) => {
  take(event, event.dataTransfer?.files);
  if (event.defaultPrevented || isField(event)) return;
  event.preventDefault(); // nor may a link lead away from the page
  say("That is no picture's file: save the picture, and drop its file here.");
}, true);
const isField = ({ target }) => target.matches?.("input, textarea");
document.addEventListener("dragover", (event) => isField(event) || event.preventDefault());
document.addEventListener("click", () => {
  // before it is opened: phones then turn their own kinds into one that is asked for
  document.querySelectorAll("#upload input[type=file]").forEach((input) => (input.accept = props.accept));
}, true);
