"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const columns = read("columns");
  const rows = read("data");
  const STATUS = columns.indexOf("status");
  const CAUSE = columns.indexOf("cause");
  const NUMBERS = new Set(["row", "http_status", "attempts", "latency_ms"].map((name) => columns.indexOf(name)));
  const HEIGHT = 30;
  const AROUND = 20;
  const box = document.getElementById("rows");
  const head = box.querySelector("thead");
  const body = box.querySelector("tbody");
  const search = document.getElementById("search");
  const status = document.getElementById("status");
  const found = document.getElementById("found");
  const AGENT = columns.indexOf("agent_id");
  const GATEWAY = columns.indexOf("gateway");
  const OWN = columns.indexOf("finished_at") + 1;
  const VERIFIED = columns.indexOf("verified") === OWN ? OWN : -1;
  // Who somebody is: a search for an agent must not find times, numbers of rows or ports.
  const NAMES = columns.map((_, at) => at).filter((at) => at >= OWN && at !== VERIFIED);
  const several = (column) => new Set(rows.map((row) => row[column])).size > 1;
  const IDENTITY = [AGENT, ...(several(GATEWAY) ? [GATEWAY] : []), ...NAMES];
  const texts = rows.map((row) => IDENTITY.map((at) => row[at]).join("\u0000").toLowerCase());
  let shown = rows.map((_, at) => at);
  let sorted = 0;
  let down = false;
  let drawn = [-1, -1];
  let cause = "";

  const compare = (one, other) => {
    const a = rows[one][sorted];
    const b = rows[other][sorted];
    if (a === b) return one - other;
    if (a === null || a === "") return 1;
    if (b === null || b === "") return -1;
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
    return down ? -order : order;
  };

  const gap = (height) => {
    const row = document.createElement("tr");
    row.className = "gap";
    const cell = document.createElement("td");
    cell.colSpan = columns.length;
    cell.style.height = `${height}px`;
    row.append(cell);
    return row;
  };

  const draw = () => {
    const from = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - AROUND);
    const to = Math.min(shown.length, from + Math.ceil(box.clientHeight / HEIGHT) + 2 * AROUND);
    if (from === drawn[0] && to === drawn[1]) return;
    drawn = [from, to];
    const parts = [];
    if (from) parts.push(gap(from * HEIGHT));
    for (const at of shown.slice(from, to)) {
      const row = document.createElement("tr");
      rows[at].forEach((value, column) => {
        const cell = document.createElement("td");
        cell.textContent = value === null ? "" : String(value);
        if (NUMBERS.has(column)) cell.className = "number";
        if (column === STATUS) cell.className = `status ${value}`;
        if (cell.textContent.length > 40) cell.title = cell.textContent;
        row.append(cell);
      });
      parts.push(row);
    }
    if (to < shown.length) parts.push(gap((shown.length - to) * HEIGHT));
    body.replaceChildren(...parts);
  };

  const again = () => {
    const wanted = search.value.trim().toLowerCase();
    const only = status.value;
    shown = [];
    for (let at = 0; at < rows.length; at += 1) {
      if ((!only || rows[at][STATUS] === only) && (!cause || rows[at][CAUSE] === cause) && (!wanted || texts[at].includes(wanted))) shown.push(at);
    }
    shown.sort(compare);
    const which = cause ? `, cause ${cause}` : "";
    found.textContent = `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows${which}`;
    box.scrollTop = 0;
    drawn = [-1, -1];
    draw();
  };

  const header = document.createElement("tr");
  columns.forEach((name, at) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    if (NUMBERS.has(at)) cell.className = "number";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      down = sorted === at && !down;
      sorted = at;
      for (const other of header.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
      again();
    });
    cell.append(button);
    header.append(cell);
  });
  header.children[0].setAttribute("aria-sort", "ascending");
  head.append(header);
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", again);
  status.addEventListener("change", () => { cause = ""; again(); });
  for (const those of document.querySelectorAll(".those")) {
    those.hidden = false;
    those.addEventListener("click", () => {
      search.value = "";
      status.value = those.dataset.status;
      cause = those.dataset.cause;
      again();
      box.scrollIntoView({ block: "center" });
      box.focus({ preventScroll: true });
    });
  }
  const copy = document.getElementById("copy");
  if (copy) {
    copy.hidden = false;
    copy.addEventListener("click", () => {
      const command = document.getElementById("next");
      const range = document.createRange();
      range.selectNodeContents(command);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      // A page from a disk has no clipboard of its own, but may copy what is selected.
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    });
  }
  const MOST_PRINTED = 10000;
  const MOST_NAMES = 4;
  const MOST_UNBROKEN = 8;
  const asWanted = (row) => ["applied", "duplicate"].includes(row[STATUS]) && row[VERIFIED] !== "no";
  const cell = (kind, text, className) => {
    const made = document.createElement(kind);
    made.textContent = text === null || text === undefined ? "" : String(text);
    if (className) made.className = className;
    return made;
  };
  // What goes on paper: who is not as wanted, or what was searched for.
  const fillPaper = () => {
    const chosen = search.value.trim() || status.value || cause;
    const these = chosen ? shown : rows.map((_, at) => at).filter((at) => !asWanted(rows[at]));
    const printed = these.slice(0, MOST_PRINTED);
    const used = (column) => printed.some((at) => rows[at][column] !== null && rows[at][column] !== "");
    const named = (name) => columns.indexOf(name);
    const wide = [
      AGENT, ...NAMES.filter(used).slice(0, MOST_NAMES),
      ...[GATEWAY, named("flag")].filter(several),
      STATUS, CAUSE, ...(VERIFIED < 0 ? [] : [VERIFIED]), named("retcode"), named("message"),
    ].filter(used);
    const short = new Set([AGENT, STATUS, CAUSE, named("flag"), named("retcode")]);
    const unbroken = (column, text) => (short.has(column) || String(text).length <= MOST_UNBROKEN ? "short" : "");
    const title = document.createElement("tr");
    for (const column of wide) {
      const made = cell("th", columns[column], unbroken(column, columns[column]));
      made.scope = "col";
      title.append(made);
    }
        document.querySelector("#printed thead").replaceChildren(title);
    document.querySelector("#printed tbody").replaceChildren(...printed.map((at) => {
      const row = document.createElement("tr");
      for (const column of wide) row.append(cell("td", rows[at][column], unbroken(column, rows[at][column])));
      return row;
    }));
    document.querySelector("#paper h2").textContent = chosen ? "Rows that were searched for" : "Who is not as wanted, by name";
    const count = these.length.toLocaleString("en");
    const more = these.length > printed.length ? `; the first ${printed.length.toLocaleString("en")} are here, all are in the CSV report` : "";
    document.getElementById("paper-said").textContent = these.length ? `${count} of ${rows.length.toLocaleString("en")} rows${more}.` : "Nobody: every agent is as wanted.";
    document.getElementById("printed").hidden = !these.length;
  };
  box.addEventListener("scroll", () => draw());
  window.addEventListener("resize", () => draw());
  window.addEventListener("beforeprint", fillPaper);
  window.matchMedia("print").addEventListener("change", (media) => { if (media.matches) fillPaper(); });
  again();
})();
