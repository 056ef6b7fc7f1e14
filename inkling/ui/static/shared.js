// Shared by components: an action of the page, and grids of cells on a canvas.
const act = (name, value) => document.dispatchEvent(new CustomEvent("read-start", { detail: [name, value] }));
const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const clamp = (value, max) => Math.min(max, Math.max(0, value));
// The row and column of the cell below a pointer, of `side` x `side`.
function locate(canvas, side, { clientX, clientY }) {
  const { x, y, width } = canvas.getBoundingClientRect();
  return [clientY - y, clientX - x].map((v) => clamp(Math.floor((v * side) / width), side - 1));
}
// Rows and columns that an arrow key moves by.
const arrow = ({ key }) => ({ ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] })[key];
