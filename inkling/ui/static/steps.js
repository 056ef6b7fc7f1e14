// The slider from a picture's gray to its ink.
element.addEventListener("input", ({ target }) => target.closest("figure").style.setProperty("--ink", target.value / 100));
