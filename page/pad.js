// Gradio leaves the sketchpad without a tool at load and after it is cleared, so that the first
// stroke draws nothing. Whenever no tool is highlighted, take the brush: the toolbar's first button.
() => {
  const takeBrush = () => {
    const tools = document.querySelector("#pad .toolbar-wrap .half-container");
    if (tools && !tools.querySelector(".highlight")) tools.querySelector("button")?.click();
  };
  new MutationObserver(takeBrush).observe(document.body, {
    subtree: true,
    childList: true,
    attributeFilter: ["class"],
  });
  takeBrush();
}
