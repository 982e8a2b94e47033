"use strict";
// Filters, sorts and pages through completions. The functions above `start` know nothing of the page.

const WORDS = ["set", "stage", "source", "kind", "verdict"];
const MARKS = { right: "✓ correct", wrong: "✗ wrong", unparsed: "? no answer" };
const PAGE = 20;

// Lower-case text of every problem, which is searched along with the completions to it.
function problemTexts(data) {
  return data.problems.map((p) => [p.id, p.question, p.gold, ...Object.values(p.meta)].join("\n").toLowerCase());
}

// Numbers of the rows that meet all of `query`: words by column, steps from and to, and a text.
function matching(data, query, texts) {
  const rows = data.rows;
  const wanted = WORDS.filter((name) => query[name] !== undefined && query[name] !== "")
    .map((name) => [rows[name], data.words[name].indexOf(query[name])]);
  const from = query.from ?? -Infinity, to = query.to ?? Infinity;
  const text = (query.text || "").toLowerCase();
  const known = text ? texts.map((own) => own.includes(text)) : [];
  const found = [];
  for (let row = rows.text.length - 1; row >= 0; row--) {
    if (rows.step[row] < from || rows.step[row] > to) continue;
    if (wanted.some(([column, word]) => column[row] !== word)) continue;
    if (text && !known[rows.problem[row]] && !rows.text[row].toLowerCase().includes(text)) continue;
    found.push(row);
  }
  return found;
}

// The rows in an order: newest or oldest first, or by a column, missing values last.
function ordered(data, found, order) {
  if (order === "newest") return found;
  if (order === "oldest") return found.slice().reverse();
  const [name, direction] = order.split(" ");
  const column = data.rows[name], sign = direction === "up" ? 1 : -1;
  const value = (row) => (column[row] === null ? Infinity : sign * column[row]);
  return found.slice().sort((one, other) => {
    const a = value(one), b = value(other);
    return a < b ? -1 : a > b ? 1 : 0;
  });
}

// What is said of one row, as text.
function facts(data, row) {
  const rows = data.rows, said = [];
  const number = (value) => String(Number(value.toPrecision(4)));
  if (rows.reward[row] !== null) said.push("reward " + number(rows.reward[row]));
  data.terms.forEach((name, place) => {
    const value = rows.terms[row][place];
    if (value !== null) said.push(name + " " + number(value));
  });
  const training = data.words.set[rows.set[row]] === "training";
  if (training && rows.advantage[row] !== null) said.push("advantage " + number(rows.advantage[row]));
  said.push(rows.tokens[row] + " tokens" + (rows.cut[row] ? ", cut at the limit" : ""));
  return said;
}

function element(tag, style, text) {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text !== undefined) made.textContent = text;
  return made;
}

// One completion with its problem, as an element.
function card(data, row) {
  const rows = data.rows, problem = data.problems[rows.problem[row]];
  const verdict = data.words.verdict[rows.verdict[row]];
  const whole = element("article", "problem"), side = element("div", "image"), body = element("div", "body");
  for (const name of problem.kept) {
    const image = element("img");
    image.alt = "image of the problem";
    image.src = data.images[name];
    side.append(image);
  }
  for (const name of problem.named) side.append(element("div", "named", "image not stored: " + name));
  if (!problem.kept.length && !problem.named.length) side.append(element("div", "", "(no image)"));
  const place = ["set", "stage", "source", "kind"].map((name) => data.words[name][rows[name][row]]);
  side.append(element("div", "", [rows.step[row] ? "step " + rows.step[row] : "", ...place].filter(Boolean).join(" · ")));
  body.append(element("b", "question", problem.question.replaceAll("<image>", "").trim()));
  if (problem.choices.length) {
    const labels = problem.choices.map((choice, index) => String.fromCharCode(65 + index) + ": " + choice);
    body.append(element("div", "soft", labels.join("   ")));
  }
  const line = element("div", "outcome");
  line.append(element("span", verdict, MARKS[verdict] || verdict));
  line.append(element("span", "", "gold: " + problem.gold));
  line.append(element("span", "", "read: " + (rows.extracted[row] || "-")));
  for (const fact of facts(data, row)) line.append(element("span", "soft", fact));
  body.append(line, element("code", "response", rows.text[row] || "(nothing)"));
  const meta = Object.entries(problem.meta).map(([name, value]) => name + " " + value);
  body.append(element("div", "soft id", [problem.id, ...meta].join(" · ")));
  whole.append(side, body);
  return whole;
}

function start() {
  const source = document.getElementById("completions-data");
  if (!source) return;
  const data = JSON.parse(source.textContent), texts = problemTexts(data);
  const form = document.getElementById("completions-filter"), list = document.getElementById("completions-list");
  const count = document.getElementById("completions-count"), pages = document.getElementById("completions-page");
  const field = (name) => form.elements.namedItem(name);
  let found = [], page = 0;
  for (const name of WORDS) {
    const words = data.words[name].slice().sort();
    for (const word of words) {
      const option = element("option", "", name === "verdict" ? MARKS[word] || word : word || "(none)");
      option.value = word;
      field(name).append(option);
    }
    field(name).parentElement.hidden = words.length < 2;
  }

  const steps = new Set(data.rows.step);
  for (const name of ["from", "to"]) field(name).parentElement.hidden = steps.size < 2;

  function query() {
    const limit = (name) => (field(name).value === "" ? undefined : Number(field(name).value));
    const words = Object.fromEntries(WORDS.map((name) => [name, field(name).value]));
    return { ...words, from: limit("from"), to: limit("to"), text: field("text").value };
  }

  function show() {
    const first = page * PAGE, last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    list.replaceChildren(...found.slice(first, first + PAGE).map((row) => card(data, row)));
    const right = data.words.verdict.indexOf("right");
    const correct = found.reduce((sum, row) => sum + (data.rows.verdict[row] === right), 0);
    const share = found.length ? ", " + ((100 * correct) / found.length).toFixed(1) + "% correct" : "";
    count.textContent = found.length.toLocaleString("en") + " completions" + share;
    pages.textContent = found.length ? "page " + (page + 1) + " of " + (last + 1) : "";
    for (const name of ["first", "previous"]) field(name).disabled = page === 0;
    for (const name of ["next", "last"]) field(name).disabled = page >= last;
  }

  function filter() {
    found = ordered(data, matching(data, query(), texts), field("order").value);
    page = 0;
    show();
  }

  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("click", (event) => {
    const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    const moves = { first: 0, previous: page - 1, next: page + 1, last };
    if (!(event.target.name in moves)) return;
    page = Math.min(last, Math.max(0, moves[event.target.name]));
    show();
  });
  filter();
  document.body.dataset.ready = String(found.length);
}

if (typeof document === "undefined") module.exports = { matching, ordered, problemTexts, facts };
else start();
