// Refreshes what the page shows; without it the page does so by itself, less often.
(() => {
  const content = () => document.getElementById("content");
  const focusable = (root) => [...root.querySelectorAll("a, button, summary")];
  const live = (root) => [...root.querySelectorAll(".live p")].map((line) => line.textContent.trim()).join(" ");

  const show = (fresh) => {
    const shown = content();
    const focused = focusable(shown).indexOf(document.activeElement);
    for (const details of shown.querySelectorAll("details[id]")) {
      const same = fresh.querySelector("#" + CSS.escape(details.id));
      if (same) same.open = details.open;
    }
    const ended = live(shown) && !live(fresh);
    shown.replaceWith(fresh);
    if (focused >= 0) focusable(fresh)[focused]?.focus();
    if (ended) document.getElementById("announce").textContent = "The run has ended.";
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("content");
      document.title = page.title;
      if (fresh && fresh.outerHTML !== content().outerHTML) show(fresh);
    } catch {
      // The server is away for a moment; the next try tells.
    }
    next();
  };

  const next = () => {
    if (content()?.dataset.refresh) setTimeout(refresh, Number(content().dataset.refresh));
  };
  next();
})();
