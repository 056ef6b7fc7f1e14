// Pictures that are chosen, dropped anywhere or pasted are uploaded as they are, and the server says what
// it makes of them. Gradio's own upload would refuse kinds that are read.
let turn = 0; // how often something was asked: a picture that comes too late is not read
for (const asks of ["sketch", "inkling-asks"]) document.addEventListener(asks, () => turn++);
async function send(file) {
  document.dispatchEvent(new Event("inkling-asks"));
  const mine = turn;
  const large = file.size > props.limit && { megabytes: Math.ceil(file.size / 1e6) };
  const told = large || (await upload(file).catch(() => ({})));
  if (mine !== turn) return;
  props.value = told;
  trigger("upload");
}
function take(event, files) {
  if (!files?.length) return;
  event.preventDefault(); // a browser would go to a file that is dropped
  event.stopPropagation();
  send(files[0]);
}
const chooser = (target) => target.closest?.("#upload input[type=file]");
document.addEventListener("change", (event) => chooser(event.target) && take(event, event.target.files), true);
document.addEventListener("paste", (event) => take(event, event.clipboardData?.files), true);
document.addEventListener("drop", (event) => take(event, event.dataTransfer?.files), true);
document.addEventListener("dragover", (event) => {
  if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
});
document.addEventListener("click", () => {
  // before it is opened: phones then turn their own kinds into one that is asked for
  document.querySelectorAll("#upload input[type=file]").forEach((input) => (input.accept = props.accept));
}, true);
