"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const columns = read("columns");
  const view = read("view");
  const rows = read("data");
  const named = (name) => columns.indexOf(name);
  const AGENT = named("agent_id");
  const GATEWAY = named("gateway");
  const STATUS = named("status");
  const CAUSE = named("cause");
  const SENT = named("first_sent_at");
  const FINISHED = named("finished_at");
  const OWN = FINISHED + 1;
  const VERIFIED = view.verified ? OWN : -1;
  const NUMBERS = new Set(["row", "http_status", "attempts", "latency_ms"].map(named));
  const HEIGHT = 30;
  const AROUND = 20;
  const MOST_WIDE = 44;
  const box = document.getElementById("rows");
  const head = box.querySelector("thead");
  const body = box.querySelector("tbody");
  const search = document.getElementById("search");
  const where = document.getElementById("column");
  const status = document.getElementById("status");
  const found = document.getElementById("found");
  // Names of an agent: a search for an agent must not find times, numbers of rows or ports.
  const NAMES = columns.map((_, at) => at).filter((at) => at >= OWN && at !== VERIFIED);
  const several = (column) => rows.some((row) => row[column] !== rows[0][column]);
  const IDENTITY = [AGENT, ...view.order.filter((at) => NAMES.includes(at)), ...(several(GATEWAY) ? [GATEWAY] : [])];
  const texts = rows.map((row) => IDENTITY.map((at) => row[at]).join("\u0000").toLowerCase());
  const count = (number) => number.toLocaleString("en");
  const say = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  // A moment of the data, which is in UTC, in the time zone of the machine that wrote the page.
  const local = (iso) => new Date(Date.parse(iso) + view.minutes * 60000).toISOString().replace("T", " ").slice(0, 23);
  const text = (column, value) => {
    if (value === null || value === undefined) return "";
    if (column === STATUS) return view.statuses[value] ?? value;
    if (column === SENT || column === FINISHED) return value && local(value);
    return String(value);
  };
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

  const cell = (kind, content, className) => {
    const made = document.createElement(kind);
    made.textContent = content;
    if (className) made.className = className;
    return made;
  };

  const gap = (height) => {
    const row = cell("tr", "", "gap");
    const space = document.createElement("td");
    space.colSpan = columns.length;
    space.style.height = `${height}px`;
    row.append(space);
    return row;
  };

  const classOf = (column, value) => {
    if (column === STATUS) return `status ${value}`;
    return NUMBERS.has(column) ? "number" : "";
  };

  const draw = () => {
    const from = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - AROUND);
    const to = Math.min(shown.length, from + Math.ceil(box.clientHeight / HEIGHT) + 2 * AROUND);
    if (from === drawn[0] && to === drawn[1]) return;
    drawn = [from, to];
    const parts = [];
    if (from) parts.push(gap(from * HEIGHT));
    shown.slice(from, to).forEach((at, number) => {
      // Stripes and places count from the first row that was found, not from the first that is drawn.
      const row = cell("tr", "", (from + number) % 2 ? "odd" : "");
      row.setAttribute("aria-rowindex", from + number + 2);
      for (const column of view.order) {
        const value = rows[at][column];
        const made = cell(column === AGENT ? "th" : "td", text(column, value), classOf(column, value));
        if (column === AGENT) made.scope = "row";
        if (made.textContent.length > MOST_WIDE - 4) made.title = made.textContent;
        row.append(made);
      }
      parts.push(row);
    });
    if (to < shown.length) parts.push(gap((shown.length - to) * HEIGHT));
    body.replaceChildren(...parts);
  };

  const holds = (at, wanted) => {
    if (!where.value) return texts[at].includes(wanted);
    return String(rows[at][where.value]).toLowerCase().includes(wanted);
  };

  const again = () => {
    const wanted = search.value.trim().toLowerCase();
    const only = status.value;
    shown = [];
    for (let at = 0; at < rows.length; at += 1) {
      if ((!only || rows[at][STATUS] === only) && (!cause || rows[at][CAUSE] === cause) && (!wanted || holds(at, wanted))) shown.push(at);
    }
    shown.sort(compare);
    found.textContent = say(cause ? view.texts.found_of_cause : view.texts.found, { shown: count(shown.length), all: count(rows.length), cause });
    box.querySelector("table").setAttribute("aria-rowcount", shown.length + 1);
    box.scrollTop = 0;
    drawn = [-1, -1];
    draw();
  };

  const labelOf = (column) => (column === SENT || column === FINISHED ? `${view.labels[column]}, ${view.zone}` : view.labels[column]);
  // A character of Chinese is as wide as two others.
  const wide = (content) => content.length + (content.match(/[\u2e80-\uffef]/g) || []).length;
  // Widths that hold for all rows: only some are drawn, and columns must not jump while they pass.
  const widthOf = (column) => {
    let longest = "";
    if (column === STATUS) longest = Object.values(view.statuses).sort((one, other) => wide(other) - wide(one))[0];
    else if (column === SENT || column === FINISHED) longest = "2026-11-23 06:00:21.400";
    else for (const row of rows) if (row[column] !== null && String(row[column]).length > longest.length) longest = String(row[column]);
    return Math.min(Math.max(wide(labelOf(column)) + 2, wide(longest)), MOST_WIDE) + (column === STATUS ? 5 : 3);
  };
  const header = document.createElement("tr");
  header.setAttribute("aria-rowindex", 1);
  let whole = 0;
  for (const at of view.order) {
    const width = widthOf(at);
    whole += width;
    const col = document.createElement("col");
    col.style.width = `${width}ch`;
    box.querySelector("colgroup").append(col);
    const made = cell("th", "", NUMBERS.has(at) ? "number" : "");
    made.scope = "col";
    const button = cell("button", labelOf(at));
    button.type = "button";
    button.title = columns[at];
    button.addEventListener("click", () => {
      down = sorted === at && !down;
      sorted = at;
      for (const other of header.children) other.removeAttribute("aria-sort");
      made.setAttribute("aria-sort", down ? "descending" : "ascending");
      again();
    });
    made.append(button);
    header.append(made);
  }
  header.children[0].setAttribute("aria-sort", "ascending");
  head.append(header);
  box.querySelector("table").style.width = `${whole}ch`;
  for (const at of IDENTITY) {
    const option = cell("option", view.labels[at]);
    option.value = at;
    where.append(option);
  }
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", again);
  where.addEventListener("change", again);
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
      const range = document.createRange();
      range.selectNodeContents(document.getElementById("next"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      // A page from a disk has no clipboard of its own, but may copy what is selected.
      copy.textContent = document.execCommand("copy") ? view.texts.copied : view.texts.selected;
    });
  }

  const MOST_PRINTED = 10000;
  const MOST_NAMES = 4;
  const MOST_UNBROKEN = 8;
  const asWanted = (row) => ["applied", "duplicate"].includes(row[STATUS]) && row[VERIFIED] !== "no";
  // Agents of one cause together, as above the list; those that were not attempted come last.
  const tried = (row) => (row[STATUS] === "not_attempted" ? 1 : 0);
  const byCause = (one, other) => {
    const [a, b] = [rows[one], rows[other]];
    const numeric = { numeric: true };
    return tried(a) - tried(b) || a[CAUSE].localeCompare(b[CAUSE]) || a[STATUS].localeCompare(b[STATUS])
      || a[AGENT].localeCompare(b[AGENT], undefined, numeric) || one - other;
  };
  // Paper cannot be opened: what is folded on the screen lies open there if a group in it is held.
  const folded = [...document.querySelectorAll("details:has(.group.held):not([open])")];
  // What goes on paper: agents that are not as wanted, or what was searched for.
  const fillPaper = () => {
    for (const part of folded) part.open = true;
    const chosen = search.value.trim() || status.value || cause;
    const these = chosen ? shown : rows.map((_, at) => at).filter((at) => !asWanted(rows[at])).sort(byCause);
    const printed = these.slice(0, MOST_PRINTED);
    const used = (column) => column >= 0 && printed.some((at) => rows[at][column] !== null && rows[at][column] !== "");
    const names = view.order.filter((at) => NAMES.includes(at)).filter(used).slice(0, MOST_NAMES);
    const wide = [
      AGENT, ...names, ...[GATEWAY, named("flag")].filter(several),
      STATUS, CAUSE, VERIFIED, named("retcode"), named("message"),
    ].filter(used);
    const short = new Set([AGENT, STATUS, CAUSE, named("flag"), named("retcode")]);
    const unbroken = (column, content) => (short.has(column) || content.length <= MOST_UNBROKEN ? "short" : "");
    const title = document.createElement("tr");
    for (const column of wide) {
      const made = cell("th", view.labels[column], unbroken(column, view.labels[column]));
      made.scope = "col";
      title.append(made);
    }
    document.querySelector("#printed thead").replaceChildren(title);
    document.querySelector("#printed tbody").replaceChildren(...printed.map((at) => {
      const row = document.createElement("tr");
      for (const column of wide) {
        const content = text(column, rows[at][column]);
        row.append(cell("td", content, unbroken(column, content)));
      }
      return row;
    }));
    document.querySelector("#paper h2").textContent = chosen ? view.texts.searched : view.texts.not_as_wanted;
    const said = these.length > printed.length ? view.texts.more : view.texts.printed;
    document.getElementById("paper-said").textContent = these.length
      ? say(said, { shown: count(these.length), all: count(rows.length), printed: count(printed.length) })
      : view.texts.nobody;
    document.getElementById("printed").hidden = !these.length;
  };
  box.addEventListener("scroll", () => draw());
  window.addEventListener("resize", () => draw());
  window.addEventListener("beforeprint", fillPaper);
  window.matchMedia("print").addEventListener("change", (media) => { if (media.matches) fillPaper(); });
  again();
})();
