"use strict";
// Shows the entries of the audit trail that somebody asks for. All text is set as
// text: whoever wrote a reason cannot write a page.
(() => {
  const { words, rows: encoded } = JSON.parse(document.getElementById("data").textContent);
  const moment = (minutes) => minutes === null ? "?" : new Date(minutes * 60000).toISOString().slice(0, 16).replace("T", " ") + " UTC";
  const rows = encoded.map(([when, what, stage, by, kind, moved, why]) =>
    [moment(when), words[what], words[stage], moved, words[by], why, words[kind]]);
  const form = document.getElementById("filters");
  const body = document.getElementById("entries");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const [when, stage, by, kind] = [0, 2, 4, 6];
  const columns = 6;
  const step = 200;
  let found = rows;
  let shown = 0;

  const lower = rows.map((row) => row.join(" ").toLowerCase());

  function matches(row, i, want) {
    return (!want.kind || row[kind] === want.kind)
      && (!want.stage || row[stage] === want.stage)
      && (!want.by || row[by].toLowerCase().includes(want.by.toLowerCase()))
      && (!want.from || row[when].slice(0, 10) >= want.from)
      && (!want.to || row[when].slice(0, 10) <= want.to)
      && (!want.text || lower[i].includes(want.text.toLowerCase()));
  }

  function add() {
    const part = document.createDocumentFragment();
    for (const row of found.slice(shown, shown + step)) {
      const line = document.createElement("tr");
      for (let i = 0; i < columns; i++) {
        line.appendChild(document.createElement("td")).textContent = row[i];
      }
      part.appendChild(line);
    }
    body.appendChild(part);
    shown = Math.min(shown + step, found.length);
    more.hidden = shown === found.length;
    count.textContent = `${shown} of ${found.length} entries shown, of ${rows.length} in all.`;
  }

  function show() {
    const want = Object.fromEntries(new FormData(form));
    found = rows.filter((row, i) => matches(row, i, want));
    shown = 0;
    body.replaceChildren();
    add();
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  more.addEventListener("click", add);
  form.hidden = false;
  show();
})();
