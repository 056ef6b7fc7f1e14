// A button of this component that carries data-pick triggers "pick". What comes back replaces the
// button, so the keyboard's focus is handed on to its successor.
let picked = null;
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (!button) return;
  picked = button.dataset.pick;
  if (element.closest("#examples, #more")) document.dispatchEvent(new Event("inkling-asks"));
  trigger("pick", { pick: picked });
  if (element.closest("#more")) {
    document.querySelector("#views [role=tab]").click(); // where it is read
    scrollTo(0, 0);
  }
});
watch("value", () => {
  if (picked === null || document.activeElement !== document.body) return;
  element.querySelector(`[data-pick="${CSS.escape(picked)}"]`)?.focus();
  picked = null;
});
