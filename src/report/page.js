"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const { verdicts, titles, cases } = JSON.parse(byId("cases").textContent);
  const rows = byId("rows"), count = byId("count"), more = byId("more"), detail = byId("detail");
  const fields = ["verdict", "model", "method", "scenario", "text"].map((name) => byId("by-" + name));
  const PAGE = 200;
  let details, shown = PAGE;

  // An id reads scenario~model~method~factors~repetition.
  const all = cases.map(([id, verdict, length, reason, at]) => {
    const [scenario, model, method] = id.split("~");
    return { id, scenario, model, method, title: titles[scenario] ?? "", verdict: verdicts[verdict], length, reason, at };
  });
  const fill = (name) => {
    const known = [...new Set(all.map((one) => one[name]))].sort();
    byId("by-" + name).append(...known.map((word) => new Option(word, word)));
  };
  ["model", "method", "scenario"].forEach(fill);

  const wanted = () => Object.fromEntries(fields.map((field) => [field.name, field.value]));
  const fits = (one, want) =>
    (want.verdict === "all" || (want.verdict === "played" ? one.verdict !== "not_applicable"
      : want.verdict === "problems" ? !["pass", "not_applicable"].includes(one.verdict) : one.verdict === want.verdict)) &&
    ["model", "method", "scenario"].every((name) => !want[name] || one[name] === want[name]) &&
    (!want.text || (one.id + " " + one.title + " " + one.reason).toLowerCase().includes(want.text.toLowerCase()));

  const cell = (...content) => {
    const td = document.createElement("td");
    td.append(...content);
    return td;
  };
  const row = (one) => {
    const tr = document.createElement("tr");
    const link = document.createElement("a");
    link.href = "#case=" + encodeURIComponent(one.id);
    link.textContent = one.id;
    const mark = document.createElement("span");
    mark.className = "verdict " + one.verdict;
    mark.textContent = one.verdict.replaceAll("_", " ");
    const title = document.createElement("div");
    title.className = "claim";
    title.textContent = one.title;
    tr.append(cell(mark), cell(link, title), cell((one.length / 1000).toFixed(1) + " s"), cell(one.reason));
    return tr;
  };
  const list = () => {
    const want = wanted();
    const found = all.filter((one) => fits(one, want));
    rows.replaceChildren(...found.slice(0, shown).map(row));
    count.textContent = found.length + " of " + all.length + " cases";
    more.hidden = found.length <= shown;
    reach();
  };

  // What scrolls sideways is reached by the keyboard, and what does not is no stop on the way.
  const reach = () => {
    for (const one of document.querySelectorAll(".scroll")) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };

  // Details of neighbours are packed together, as a list of fragments.
  const unpack = async ([line, number]) => {
    details ??= byId("details").textContent.trim().split("\n");
    const packed = Uint8Array.from(atob(details[line]), (char) => char.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return (await new Response(stream).json())[number];
  };
  const open = async (id) => {
    const one = all.find((one) => one.id === id);
    byId("detail-name").textContent = one ? id : "There is no case " + id;
    byId("detail-title").textContent = one ? one.title : "";
    const body = byId("detail-body");
    body.replaceChildren();
    detail.hidden = false;
    if (one && one.at !== null) {
      // The fragment was escaped where it was written; it is markup without scripts.
      body.append(...new DOMParser().parseFromString(await unpack(one.at), "text/html").body.childNodes);
    } else if (one) {
      body.textContent = one.reason || "Its timeline is not in this file: `lockrig report RUN --format vcd` writes it.";
    }
    reach();
    detail.scrollIntoView();
    detail.focus({ preventScroll: true });
  };
  const follow = () => {
    const want = new URLSearchParams(location.hash.slice(1));
    if (want.has("case")) return open(want.get("case"));
    detail.hidden = true;
    if (![...want.keys()].some((name) => byId("by-" + name))) return;
    for (const field of fields) field.value = want.get(field.name) ?? (field.name === "verdict" ? "played" : "");
    shown = PAGE;
    list();
    byId("all").scrollIntoView();
  };

  byId("filters").addEventListener("input", () => { shown = PAGE; list(); });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { shown += 5 * PAGE; list(); });
  addEventListener("hashchange", follow);
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
  byId("browse").hidden = false;
  list();
  follow();
})();
