// The sum of a cell: `inside.js` marks its trail on the maps.
watch("value", () => document.dispatchEvent(new CustomEvent("cell-sum", { detail: element })));
