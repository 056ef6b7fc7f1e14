// A button with data-pick sends its value as the component's action, or as its own data-action; without one it
// triggers "pick". The response replaces the button; its successor gets the focus.
let picked = null;
element.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-pick]");
  if (!button) return;
  picked = button.dataset.pick;
  const action = button.dataset.action ?? props.action;
  if (action) act(action, picked);
  else trigger("pick", { pick: picked });
  if (!props.tab) return;
  document.querySelector(props.tab).click(); // it shows the answer
  scrollTo(0, 0);
});
watch("value", () => {
  if (picked === null || document.activeElement !== document.body) return;
  element.querySelector(`[data-pick="${CSS.escape(picked)}"]`)?.focus();
  picked = null;
});
