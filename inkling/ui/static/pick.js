// A button of this component that carries data-pick asks a question: of our own name, by the part that it
// stands in. What comes back replaces the button, so the keyboard's focus is handed on to its successor.
const NAMES = { examples: "example", strip: "choose", change: "compare", more: "digit", lessons: "teach" };
const part = element.closest("[id]:not([id^=html-])").id;
let picked = null;
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-pick]");
  if (!button) return;
  picked = button.dataset.pick;
  const detail = [picked === "change" ? picked : NAMES[part], picked];
  if (NAMES[part]) document.dispatchEvent(new CustomEvent("inkling-asks", { detail }));
  else trigger("pick", { pick: picked });
  if (part !== "more") return;
  document.querySelector("#views [role=tab]").click(); // where it is read
  scrollTo(0, 0);
});
watch("value", () => {
  if (picked === null || document.activeElement !== document.body) return;
  element.querySelector(`[data-pick="${CSS.escape(picked)}"]`)?.focus();
  picked = null;
});
