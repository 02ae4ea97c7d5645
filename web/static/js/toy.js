// The toy f(x) = w₂w₁x: three landscapes, two rules, one start.

import {$, h, s, number, fixed, perFrame, calm} from "./dom.js";
import {engine} from "./engine.js";
import {Panel, box} from "./panel.js";
import {state} from "./state.js";
import {looks, rules, table, scale} from "./color.js";
import {saveSVG, savePNG, saveCSV} from "./save.js";

const n = 121, arrows = 15, threshold = 1e-3, limit = 3000, longest = 60;
const panels = [
  {surface: "loss", own: "bp", title: "Loss 𝓛", field: "loss"},
  {surface: "energy", own: null, title: "Energy", field: "energy"},
  {surface: "equilibrium", own: "pc", title: "Energy at equilibrium F*", field: "equilibrium"},
];

const fields = {
  x: {value: 1, min: -2, max: 2, not: 0}, y: {value: -1, min: -2, max: 2, not: 0},
  w1: {value: 0.75, min: -20, max: 20}, w2: {value: 0.95, min: -20, max: 20},
  lr: {value: 0.2, min: 0.01, max: 1}, dt: {value: 0.1, min: 0.005, max: 1},
  t: {value: 0, min: 0, max: longest}, k: {value: limit, min: 0, max: limit},
  view: {value: "2d", words: ["2d", "3d"]}, look: {value: "post", words: ["post", "safe"]},
  arrows: {value: "local", words: ["local", "total", "none"]},
};

let toy, shown = {}, space = null;
const dirty = new Set();
const view = state(fields, names => {
  names.forEach(name => dirty.add(name));
  draw();
});
const v = view.values;

// reach is half the window's width: the saddle in the middle, the nearest solutions half-way out.
function reach() {
  const need = 2 * Math.sqrt(Math.abs(v.y / v.x)), base = 10 ** Math.floor(Math.log10(need));
  return Math.ceil(need / base * 10 / 5 - 1e-9) * 5 * base / 10;
}

const draw = perFrame(() => {
  if (!toy) return;
  const changed = new Set(dirty), any = (...names) => names.some(name => changed.has(name));
  dirty.clear();
  if (any("x", "y")) {
    const r = reach();
    shown.window = [-r, r, -r, r];
    shown.problem = toy.problem(v, [-r, r]);
    panels.forEach(p => p.panel.setWindow(shown.window));
  }
  const most = 0.98 * shown.problem.maxDT;
  if (v.dt > most) { view.set({dt: most}); changed.add("dt"); }
  if (any("x", "y", "look")) {
    shown.surfaces.loss = toy.landscape(v, "loss", n, shown.window);
    shown.surfaces.equilibrium = toy.landscape(v, "equilibrium", n, shown.window);
    shown.scale = scale(shown.surfaces.loss.reduce((a, b) => Math.max(a, b), 0), shown.problem.saddle);
    shown.table = table(looks[v.look].landscape);
    shown.levels = [0.02, 0.1, 0.25, 0.5, 1.5, 2.5, 4, 8, 16, 32].map(f => f * shown.problem.saddle);
  }
  if (any("x", "y", "t", "dt")) shown.surfaces.energy = toy.landscape(v, "energy", n, shown.window);
  for (const p of panels) {
    const moves = p.surface === "energy";
    if (any("x", "y", "look") || (moves && any("t", "dt"))) p.panel.setSurface(shown.surfaces[p.surface], n, shown.table, shown.scale, shown.levels);
    if (any("x", "y", "look", "arrows") || (moves && any("t", "dt"))) drawField(p, moves);
  }
  if (any("x", "y", "w1", "w2", "lr")) {
    shown.paths = {bp: toy.path(v, "bp", [v.w1, v.w2], limit, threshold), pc: toy.path(v, "pc", [v.w1, v.w2], limit, threshold)};
    const last = Math.max(1, shown.paths.bp.steps, shown.paths.pc.steps);
    const slider = $("#k");
    slider.max = last;
  }
  if (any("x", "y", "w1", "w2", "lr", "k")) {
    panels.forEach(p => { p.panel.setStart([v.w1, v.w2]); p.panel.setPaths(shown.paths, v.k, p.own); });
    drawRace();
  }
  drawControls();
  if (v.view === "3d") drawSpace(changed);
  if (any("view")) {
    document.body.dataset.view = v.view;
    for (const b of document.querySelectorAll("[data-view-button]")) b.setAttribute("aria-pressed", String(b.dataset.viewButton === v.view));
  }
});

function drawField(p, moves) {
  if (v.arrows === "none") { p.panel.arrows.replaceChildren(); return; }
  const name = moves && v.arrows === "total" ? "total" : p.field;
  let full = 0;
  if (moves) { // the largest at the end: arrows compare between steps
    const key = `${v.x} ${v.y} ${v.dt}`;
    if (shown.fullKey !== key) {
      const g = toy.field({...v, t: longest}, "total", arrows, shown.window);
      shown.full = 0;
      for (let i = 0; i < g.length; i += 2) shown.full = Math.max(shown.full, Math.hypot(g[i], g[i + 1]));
      shown.fullKey = key;
    }
    full = shown.full;
  }
  p.panel.setField(toy.field(v, name, arrows, shown.window), arrows, full, looks[v.look]);
}

// drawRace fills the table: each rule at step k, and at its end.
function drawRace() {
  const k = v.k;
  for (const rule of ["bp", "pc"]) {
    const p = shown.paths[rule], at = Math.min(k, p.steps);
    const put = (name, text) => { $(`#${rule}-${name}`).textContent = text; };
    put("step", at === p.steps ? `${at}${p.status === "reached" ? " ✓" : ` (${p.status})`}` : `${at} of ${p.steps}`);
    put("loss", number(p.points[4 * at + 2], 3));
    put("distance", fixed(p.points[4 * at + 3], 3));
    put("closest", fixed(p.closest, 3));
    put("length", fixed(p.length, 3));
    put("end", `(${fixed(p.points[4 * p.steps], 3)}, ${fixed(p.points[4 * p.steps + 1], 3)})`);
  }
  const {bp, pc} = shown.paths;
  const won = bp.status === pc.status ? (bp.steps === pc.steps ? "" : bp.steps < pc.steps ? "bp" : "pc") : bp.status === "reached" ? "bp" : pc.status === "reached" ? "pc" : "";
  const times = Math.max(bp.steps, pc.steps) / Math.max(1, Math.min(bp.steps, pc.steps));
  $("#verdict").textContent = won === "" ? "Neither is ahead from here." : bp.status !== pc.status
    ? `From here only ${won.toUpperCase()} reaches the valley within ${limit} steps.`
    : `From here ${won.toUpperCase()} is first in the valley, in ${Math.min(bp.steps, pc.steps)} steps instead of ${Math.max(bp.steps, pc.steps)} (×${number(times, 2)}).`;
}

function drawControls() {
  for (const name of ["x", "y", "lr", "dt", "t"]) {
    const slider = $(`#${name}`);
    if (name === "dt") slider.max = Math.floor(0.98 * shown.problem.maxDT * 1000) / 1000;
    if (document.activeElement !== slider || Number(slider.value) !== v[name]) slider.value = v[name];
    $(`#${name}-out`).textContent = name === "t" ? String(v.t) : number(v[name], 3);
  }
  const last = Number($("#k").max);
  $("#k").value = Math.min(v.k, last);
  $("#k-out").textContent = Math.min(v.k, last);
  for (const [name, id] of [["w1", "#w1"], ["w2", "#w2"]]) {
    const input = $(id);
    if (document.activeElement !== input) input.value = Number(v[name].toFixed(4));
  }
  $("#arrows").value = v.arrows;
  $("#look").value = v.look;
  const at = toy.point(v, [v.w1, v.w2]);
  $("#title-energy").textContent = v.t === 0 ? "Energy F₀ = 𝓛, before inference" : `Energy F after t = ${v.t} step${v.t === 1 ? "" : "s"} of inference`;
  $("#at-w0").textContent = `At w⁰: 𝓛 ${number(at.loss, 4)}, F at t = ${v.t} ${number(at.energy, 4)}, F* ${number(at.equilibrium, 4)}; z ${number(at.z, 4)} on its way to z* ${number(at.zStar, 4)}.`;
  const e = shown.problem;
  $("#hessian").textContent = `Curvature at the saddle: 𝓛 ${fixed(e.loss[0], 3)} and +${fixed(e.loss[1], 3)}, F* ${fixed(e.energy[0], 3)} and +${fixed(e.energy[1], 3)}.`;
}

// drawSpace shows the surfaces in space; the library for that is loaded when it is first wanted.
async function drawSpace(changed) {
  if (!space) {
    space = import("./space.js").then(m => m.space($("#space")));
    $("#space").setAttribute("aria-busy", "true");
  }
  const s3 = await space;
  $("#space").removeAttribute("aria-busy");
  if (v.view === "3d") s3.show(panels, shown, v, n, changed);
}

// player moves a value step by step. Those who want less motion get two steps a second.
function player(button, label, step) {
  let last = 0, on = false;
  const set = to => {
    on = to;
    $(button).setAttribute("aria-pressed", String(on));
    $(button).setAttribute("aria-label", `${on ? "Pause" : "Play"} ${label}`);
  };
  const tick = now => {
    if (!on) return;
    if (now - last >= (calm() ? 500 : step.every())) {
      last = now;
      if (!step.next()) { set(false); return; }
    }
    requestAnimationFrame(tick);
  };
  $(button).addEventListener("click", () => {
    if (on) { set(false); return; }
    step.begin();
    set(true);
    requestAnimationFrame(tick);
  });
  return () => set(false);
}

function listen() {
  const stopT = player("#play-t", "inference", {
    every: () => 110,
    begin: () => { if (v.t >= longest) view.set({t: 0}); },
    next: () => { view.set({t: v.t + 1}); return v.t < longest; },
  });
  const last = () => Number($("#k").max);
  const stopK = player("#play-k", "learning", {
    every: () => Math.max(16, Math.min(120, 5000 / last())),
    begin: () => { if (v.k >= last()) view.set({k: 0}); },
    next: () => { view.set({k: Math.min(last(), v.k + Math.max(1, Math.round(last() / 400)))}); return v.k < last(); },
  });
  for (const name of ["x", "y", "lr", "dt", "t", "k"]) {
    $(`#${name}`).addEventListener("input", event => {
      if (name === "t") stopT();
      if (name === "k") stopK();
      let to = Number(event.target.value);
      if ((name === "x" || name === "y") && to === 0) to = v[name] > 0 ? -0.05 : 0.05; // at 0 there is no saddle
      view.set({[name]: to});
    });
  }
  for (const name of ["w1", "w2"]) $(`#${name}`).addEventListener("input", event => { if (event.target.value !== "") view.set({[name]: event.target.value}); });
  for (const name of ["arrows", "look"]) $(`#${name}`).addEventListener("change", event => view.set({[name]: event.target.value}));
  for (const b of document.querySelectorAll("[data-view-button]")) b.addEventListener("click", () => view.set({view: b.dataset.viewButton}));
  $("#reset").addEventListener("click", () => view.reset());
  $("#caught").addEventListener("click", () => { // on the stable manifold of the saddle of 𝓛
    const u = Math.sqrt(Math.abs(v.y / v.x)) * 0.8;
    view.set({w1: v.x * v.y > 0 ? -u : u, w2: u, k: limit});
  });
  $("#save-svg").addEventListener("click", () => saveSVG(picture(), "settle-toy.svg"));
  $("#save-png").addEventListener("click", async () => v.view === "3d" && space ? (await space).png("settle-toy.png") : savePNG(picture(), "settle-toy.png"));
  $("#save-csv").addEventListener("click", () => saveCSV(numbers(), "settle-toy.csv"));
}

// picture is all panels in one SVG.
function picture() {
  const head = 46, gap = 12, width = 3 * box.size + 2 * gap, height = box.size + head;
  const svg = s("svg", {xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}`, color: "#262626"},
    s("rect", {width, height, fill: "#fff"}),
    s("text", {x: 8, y: 18, "font-size": 13, "font-family": "system-ui, DejaVu Sans, sans-serif", fill: "#595959"},
      `f(x) = w₂w₁x, x = ${number(v.x)}, y = ${number(v.y)}, w⁰ = (${number(v.w1)}, ${number(v.w2)}), learning rate ${number(v.lr)}, dt = ${number(v.dt)}; BP blue, PC orange-red`));
  panels.forEach((p, i) => svg.append(...p.panel.picture(i * (box.size + gap), head, $(`#title-${p.surface}`).textContent)));
  return svg;
}

function numbers() {
  const rows = [["what", "step", "w1", "w2", "loss", "energy_t", "energy_equilibrium"]];
  for (const rule of ["bp", "pc"]) {
    const {points, steps} = shown.paths[rule];
    for (let i = 0; i <= steps; i++) {
      const w = [points[4 * i], points[4 * i + 1]], at = toy.point(v, w);
      rows.push([`path ${rule}`, i, ...w, at.loss, at.energy, at.equilibrium]);
    }
  }
  const [a, b, c, d] = shown.window;
  for (let j = 0, k = 0; j < n; j++) {
    for (let i = 0; i < n; i++, k++) {
      rows.push(["landscape", "", a + (b - a) * i / (n - 1), c + (d - c) * j / (n - 1), shown.surfaces.loss[k], shown.surfaces.energy[k], shown.surfaces.equilibrium[k]]);
    }
  }
  return rows;
}

async function start() {
  for (const p of panels) {
    p.panel = new Panel($(`#panel-${p.surface}`), {label: p.title, move: ([w1, w2]) => {
      const [a, b, c, d] = shown.window;
      view.set({w1: Math.round(1e4 * Math.max(a, Math.min(b, w1))) / 1e4, w2: Math.round(1e4 * Math.max(c, Math.min(d, w2))) / 1e4});
    }});
  }
  shown.surfaces = {};
  for (const e of document.querySelectorAll("[data-rule]")) e.style.color = `var(--${e.dataset.rule})`;
  try {
    toy = await engine(new URL("../toy.wasm.gz", import.meta.url));
  } catch (e) {
    $("#trouble").hidden = false;
    $("#trouble").textContent = `The toy cannot be computed here: ${e.message}. It needs a browser with WebAssembly.`;
    return;
  }
  listen();
  Object.keys(fields).forEach(name => dirty.add(name));
  draw();
  requestAnimationFrame(() => requestAnimationFrame(() => { document.body.dataset.ready = "toy"; }));
}

start();
addEventListener("themechange", () => { if (v.view === "3d") { dirty.add("view"); draw(); } });
