// Stored runs: a table to choose from, and the chosen ones side by side.

import {$, h, number, perFrame} from "./dom.js";
import {get, trouble} from "./api.js";
import {Chart} from "./chart.js";
import {state} from "./state.js";
import {rules, lines} from "./color.js";
import {saveCSV} from "./save.js";

const columns = [["name", "run"], ["command"], ["state"], ["rule"], ["arch", "network"], ["act", "activation"], ["optim", "optimiser"], ["lr", "rate"], ["seed"], ["batches"],
  ["train_mse", "train MSE"], ["test_accuracy", "test accuracy"], ["passes_mean", "passes a step"], ["seconds"]];
const palette = [...lines, "#7F3C8D", "#888888", "#A5761D", "#11A579"];
const most = palette.length;

// colorsOf gives the first run of PC and of BP the colours that the rules have elsewhere, and each other one its own.
function colorsOf(list) {
  const free = [...palette], left = {...rules};
  return list.map(r => {
    const own = left[r.fields.rule];
    delete left[r.fields.rule];
    return own ?? free.shift();
  });
}

let runs = [], chart;
const tables = new Map(), contents = new Map(); // by run and table, by run
const any = value => ({value, words: {includes: v => typeof v === "string" && v.length < 4000}});
const view = state({filter: any(""), sort: any("-started"), chosen: any(""), table: any(""), x: any(""), y: any(""), scale: {value: "log", words: ["log", "linear"]}, all: {value: "no", words: ["no", "yes"]}},
  () => redraw());
const v = view.values;

const valueOf = (run, key) => key === "name" ? run.name : run.fields[key];
const chosen = () => v.chosen.split("|").filter(name => name && runs.some(r => r.name === name)).slice(0, most);

// passes reports whether a run fits every word of the filter: key=value, or part of anything.
function passes(run) {
  const all = () => [run.name, ...Object.values(run.fields)].join(" ").toLowerCase();
  return v.filter.toLowerCase().split(/\s+/).filter(Boolean).every(word => {
    const [key, value] = word.split("=");
    return value === undefined ? all().includes(word) : String(valueOf(run, key) ?? "").toLowerCase() === value;
  });
}

function sorted(list) {
  const down = v.sort.startsWith("-"), key = down ? v.sort.slice(1) : v.sort;
  return [...list].sort((a, b) => {
    const p = valueOf(a, key), q = valueOf(b, key);
    if (p === undefined && q === undefined) return b.name < a.name ? -1 : 1;
    if (p === undefined || q === undefined) return (p === undefined) - (q === undefined); // what is not there comes last
    const c = typeof p === "number" && typeof q === "number" ? p - q : String(p).localeCompare(String(q), "en", {numeric: true});
    return down ? -c : c;
  });
}

const redraw = perFrame(() => {
  if (document.activeElement !== $("#filter")) $("#filter").value = v.filter;
  const list = sorted(runs.filter(passes)), picked = chosen();
  $("#count").textContent = runs.length === 0 ? "There are none yet: settle train --batches 300 makes one." : `${list.length} of ${runs.length} runs`;
  const key = v.sort.replace(/^-/, "");
  $("#runs thead").replaceChildren(h("tr", {}, h("th", {scope: "col"}, h("span", {class: "hidden"}, "chosen")), ...columns.map(([k, label]) =>
    h("th", {scope: "col", "aria-sort": k === key ? (v.sort[0] === "-" ? "descending" : "ascending") : null},
      h("button", {type: "button", class: "sort", "data-sort": k, onclick: () => view.set({sort: k === key && v.sort[0] !== "-" ? `-${k}` : k})}, label ?? k)))));
  $("#runs tbody").replaceChildren(...list.slice(0, 500).map(run => {
    const box = h("input", {type: "checkbox", "aria-label": `Choose ${run.name}`, onchange: event => {
      const rest = chosen().filter(name => name !== run.name);
      view.set({chosen: (event.target.checked ? [...rest, run.name] : rest).slice(-most).join("|")});
    }});
    box.checked = picked.includes(run.name);
    return h("tr", {"data-run": run.name}, h("td", {}, box), ...columns.map(([k]) => k === "name" ? h("th", {scope: "row"}, run.name) : h("td", {}, show(k, valueOf(run, k)))));
  }));
  drawChosen(picked);
});

function show(key, value) {
  if (value === undefined) return "";
  if (/_sha256$/.test(key)) return `${value.slice(0, 16)}…`;
  if (key === "test_accuracy") return `${(100 * value).toFixed(2)} %`;
  return typeof value === "number" ? number(value, 4) : String(value);
}

async function drawChosen(picked) {
  $("#chosen").hidden = picked.length === 0;
  if (picked.length === 0) return;
  await Promise.all(picked.map(async name => {
    if (!contents.has(name)) contents.set(name, await get(`api/run?${new URLSearchParams({run: name})}`).catch(e => { trouble(e); return {tables: [], files: []}; }));
  }));
  if (chosen().join("|") !== picked.join("|")) return; // others have been chosen since
  const list = picked.map(name => ({...runs.find(r => r.name === name), ...contents.get(name)}));
  const colors = colorsOf(list);
  drawSettings(list);
  drawFiles(list);
  const names = [...new Set(list.flatMap(r => r.tables))];
  const table = names.includes(v.table) ? v.table : names.includes("metrics") ? "metrics" : names[0];
  options($("#table"), names, table);
  const data = await Promise.all(list.map(r => r.tables.includes(table) ? read(r.name, table) : null));
  if (chosen().join("|") !== picked.join("|")) return; // others have been chosen since
  const cols = [...new Set(data.flatMap(t => t ? t.columns.filter((_, i) => t.rows.some(row => typeof row[i] === "number")) : []))];
  const x = cols.includes(v.x) ? v.x : cols.includes("batch") ? "batch" : cols[0];
  const y = cols.includes(v.y) ? v.y : ["running_mse", "mse"].find(c => cols.includes(c)) ?? cols[1] ?? cols[0];
  options($("#across"), cols, x);
  options($("#up"), cols, y);
  $("#scale").value = v.scale;
  const series = [];
  data.forEach((t, i) => {
    const at = t ? [t.columns.indexOf(x), t.columns.indexOf(y)] : [-1, -1];
    if (at[0] < 0 || at[1] < 0) return;
    const rows = t.rows.filter(row => typeof row[at[0]] === "number").sort((a, b) => a[at[0]] - b[at[0]]);
    series.push({name: list[i].name, color: colors[i], width: 2, x: rows.map(row => row[at[0]]), y: rows.map(row => row[at[1]])});
  });
  if (!chart || chart.x !== x || chart.y !== y || chart.log !== (v.scale === "log")) {
    $("#overlay").replaceChildren();
    const host = h("div");
    $("#overlay").append(host);
    chart = new Chart(host, {x, y, log: v.scale === "log", height: 320});
  }
  chart.set(series);
  $("#key").replaceChildren(...list.map((r, i) => {
    const chip = h("span", {class: "chip"});
    chip.style.background = colors[i];
    return h("li", {}, chip, r.name, series.some(s => s.name === r.name) ? null : h("span", {class: "soft"}, ` (no ${y ?? "curve"} in ${table ?? "a table"})`));
  }));
  document.body.dataset.curves = series.length;
}

function options(select, words, value) {
  if ([...select.options].map(o => o.value).join("|") !== words.join("|")) select.replaceChildren(...words.map(w => h("option", {value: w}, w)));
  select.value = value ?? "";
}

async function read(run, table) {
  const key = `${run}\n${table}`;
  if (!tables.has(key)) {
    try {
      tables.set(key, await get(`api/table?${new URLSearchParams({run, table})}`));
      trouble(null);
    } catch (e) { trouble(e); return null; }
  }
  return tables.get(key);
}

function drawSettings(list) {
  $("#differing").checked = v.all === "no";
  const keys = [...new Set(list.flatMap(r => Object.keys(r.fields)))].filter(k => k !== "run");
  const text = (r, k) => show(k, r.fields[k]);
  const differ = k => new Set(list.map(r => text(r, k))).size > 1;
  const rows = keys.filter(k => v.all === "yes" || list.length === 1 || differ(k)).map(k =>
    h("tr", {class: list.length > 1 && differ(k) ? "differs" : null}, h("th", {scope: "row"}, k), ...list.map(r => h("td", {}, text(r, k)))));
  const body = rows.length ? rows : [h("tr", {}, h("td", {colspan: list.length + 1}, "They agree in everything."))];
  $("#settings").replaceChildren(h("thead", {}, h("tr", {}, h("td"), ...list.map(r => h("th", {scope: "col"}, r.name)))), h("tbody", {}, ...body));
}

function drawFiles(list) {
  const path = (r, f) => "files/" + `${r.name}/${f}`.split("/").map(encodeURIComponent).join("/");
  const parts = list.filter(r => r.files.length).map(r => h("div", {}, h("p", {}, h("strong", {}, r.name), " ",
    ...r.files.filter(f => f === "report.html").map(f => h("a", {href: path(r, f), target: "_blank", rel: "noopener"}, "open the report"))),
    h("div", {class: "thumbs"}, ...r.files.filter(f => f.endsWith(".svg")).slice(0, 24).map(f => h("a", {href: path(r, f), target: "_blank", rel: "noopener"},
      h("img", {src: path(r, f), alt: `${f.replace(/^figures\//, "").replace(/\.svg$/, "")} of ${r.name}`, loading: "lazy"}))))));
  $("#files").replaceChildren(...(parts.length ? parts : [h("p", {class: "soft"}, "None of these has any: settle compare, toy, theory and reproduce draw.")]));
}

async function load() {
  try {
    const all = await get("api/runs");
    runs = all.runs;
    $("#folder").textContent = all.folder;
    trouble(null);
  } catch (e) { trouble(e); }
  tables.clear();
  contents.clear();
  redraw();
}

$("#filter").addEventListener("input", event => view.set({filter: event.target.value}));
$("#reload").addEventListener("click", load);
$("#save-csv").addEventListener("click", () => saveCSV([columns.map(c => c[0]), ...sorted(runs.filter(passes)).map(r => columns.map(([k]) => valueOf(r, k) ?? ""))], "settle-runs.csv"));
$("#save-curves").addEventListener("click", () => { if (chart) saveCSV(chart.rows(), "settle-curves.csv"); });
for (const [id, name] of [["table", "table"], ["across", "x"], ["up", "y"], ["scale", "scale"]]) $(`#${id}`).addEventListener("change", event => view.set({[name]: event.target.value}));
$("#differing").addEventListener("change", event => view.set({all: event.target.checked ? "no" : "yes"}));
load().then(() => { document.body.dataset.ready = "runs"; });
