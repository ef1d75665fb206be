"use strict";
(() => {
  const list = document.getElementById("items");
  const items = [...list.querySelectorAll(":scope > .item")];
  const states = [...document.querySelectorAll(".state")];
  const find = document.getElementById("find");
  const sort = document.getElementById("sort");
  const all = document.getElementById("all");
  const shown = document.getElementById("shown");
  const chosen = new Set();
  const texts = new Map(items.map((item) => [item, item.dataset.text.toLowerCase()]));

  const show = () => {
    const words = (find ? find.value : "").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const fits = (!chosen.size || chosen.has(item.dataset.state))
        && words.every((word) => texts.get(item).includes(word));
      item.hidden = !fits;
      count += fits;
    }
    document.getElementById("nothing").hidden = count > 0;
    if (shown) shown.textContent = `${count} of ${items.length} shown`;
    if (all) all.disabled = !chosen.size && !words.length;
  };

  const name = (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, {numeric: true});
  const order = (a, b) => a.dataset.order - b.dataset.order;
  // What has no score is neither low nor high: it stands between what is anomalous and what is not.
  const rank = (item) => (item.dataset.score < 0 ? 50 : Number(item.dataset.score));
  const ways = {
    score: (a, b) => rank(b) - rank(a) || order(a, b),
    low: (a, b) => rank(a) - rank(b) || order(a, b),
    name,
    order,
  };
  const arrange = () => list.append(...items.sort(ways[sort.value]));

  for (const button of states) {
    button.addEventListener("click", () => {
      const state = button.dataset.state;
      if (chosen.has(state)) chosen.delete(state); else chosen.add(state);
      button.setAttribute("aria-pressed", String(chosen.has(state)));
      show();
    });
  }
  if (find) {
    find.addEventListener("input", show);
    sort.addEventListener("change", arrange);
    all.addEventListener("click", () => {
      chosen.clear();
      find.value = "";
      for (const button of states) button.setAttribute("aria-pressed", "false");
      show();
    });
    arrange();
  }
  show();

  // Paper cannot be opened by a click; what was closed is closed again afterwards.
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = items.filter((item) => !item.hidden && !item.open);
    for (const item of opened) item.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const item of opened) item.open = false;
  });
})();
