// Refreshes what the page shows; without it the page does so by itself, less often.
(() => {
  const next = () => {
    const content = document.getElementById("content");
    if (content && content.dataset.refresh) setTimeout(refresh, Number(content.dataset.refresh));
  };
  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) return location.reload();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("content");
      const content = document.getElementById("content");
      if (fresh && !content.contains(document.activeElement)) {
        for (const details of content.querySelectorAll("details[id]")) {
          const same = fresh.querySelector("#" + CSS.escape(details.id));
          if (same) same.open = details.open;
        }
        content.replaceWith(fresh);
      }
    } catch {
      // The server is away for a moment; the next try tells.
    }
    next();
  };
  next();
})();
