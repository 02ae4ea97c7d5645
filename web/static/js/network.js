// Live trainings, and a look inside one of them.

import {$, h, number, fixed, perFrame, calm} from "./dom.js";
import {get, post, trouble} from "./api.js";
import {Chart} from "./chart.js";
import {Pad} from "./pad.js";
import {state} from "./state.js";
import {rules, lines, css} from "./color.js";
import {saveCSV} from "./save.js";
import {Layers, outputs} from "./layers.js";

const presets = {
  small: {depth: 2, width: 64, act: "relu", optim: "adam", lr: 0.001, batches: 300},
  deep: {depth: 9, width: 128, act: "relu", optim: "sgd", lr: 1, batches: 500},
};

let choices, view, chart, live = new Map(), selected = null;

function fieldsOf(c) {
  const d = c.defaults;
  return {
    data: {value: c.data[0], words: c.data}, rule: {value: "pc", words: c.rule}, act: {value: d.act, words: c.act}, solver: {value: d.solver, words: c.solver},
    optim: {value: d.optim, words: c.optim}, depth: {value: 3, min: 0, max: 40}, width: {value: 128, min: 1, max: 1024}, lr: {value: d.lr, min: 1e-9, max: 1e6},
    batches: {value: d.batches, min: 1, max: 100000}, batch: {value: d.batch, min: 1, max: 1024}, seed: {value: 0, min: 0, max: 2 ** 53 - 1}, every: {value: 100, min: 0, max: 100000},
    index: {value: 0, min: 0, max: 9999}, target: {value: "-1", words: ["-1", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]},
    method: {value: "euler activities", words: methods(c)}, dt: {value: 0.1, min: 1e-6, max: 100}, steps: {value: 60, min: 1, max: 200},
  };
}

const form = ["data", "rule", "act", "solver", "optim", "depth", "width", "lr", "batches", "batch", "seed", "every"];
const looking = ["index", "target", "method", "dt", "steps"];
const methods = c => ["euler activities", "momentum activities", "auto activities", "euler errors", ...c.solver.filter(s => s !== "exact" && s !== "euler").map(s => `${s} errors`)];
const spoken = {"euler activities": "gradient descent on z (the post's)", "auto errors": "settle's default"};

// architecture is the widths from pixels to classes, both of which the data give: 784 and 10 for the sets on offer.
const architecture = v => v.depth === 0 ? "784-10" : v.depth === 1 ? `784-${v.width}-10` : `784-${v.width}x${v.depth}-10`;

async function launch(rule) {
  const v = view.values;
  try {
    const t = await post("api/trainings", {data: v.data, rule, act: v.act, solver: v.solver, optim: v.optim, lr: v.lr, batches: v.batches, batch: v.batch,
      seed: v.seed, "eval-every": v.every, arch: architecture(v)});
    calmed();
    adopt(t);
    if (!selected) select(t.id);
  } catch (e) { trouble(e); }
}

// colorOf gives a training the colour of its rule; a second one of the same rule gets one of its own.
function colorOf(rule) {
  const taken = new Set([...live.values()].map(t => t.color));
  return [rules[rule], ...lines].find(c => c && !taken.has(c)) ?? lines[live.size % lines.length];
}

const nameOf = s => `${s.rule.toUpperCase()} ${s.arch} ${s.act}, ${s.optim} ${number(s.lr)}, seed ${s.seed}`;

function adopt({id, spec}) {
  if (live.has(id)) return;
  const button = (text, what, f) => h("button", {type: "button", "data-do": what, onclick: f}, text);
  const act = what => async () => { try { await post(`api/trainings/${id}/${what}`); calmed(); } catch (e) { trouble(e); } };
  const t = {id, spec, name: nameOf(spec), color: colorOf(spec.rule), points: [], tests: [], news: null};
  t.line = h("span", {class: "soft says"});
  t.bar = h("progress", {max: 1, value: 0, "aria-label": `Progress of ${t.name}`});
  t.pause = button("Pause", "pause", () => act(t.news?.state === "paused" ? "resume" : "pause")());
  t.step = button("One batch", "step", act("step"));
  const chip = h("span", {class: "chip"});
  chip.style.background = t.color;
  t.item = h("li", {"data-id": id}, h("div", {class: "head"}, chip, h("strong", {}, t.name)), t.bar, t.line,
    h("div", {class: "buttons"}, t.pause, t.step, button("Look inside", "look", () => select(id)), button("Close", "close", async () => { await act("close")(); drop(id); })));
  live.set(id, t);
  $("#trainings").append(t.item);
  $("#empty").hidden = true;
}

// calmed takes back what trouble has said, unless there is some that lasts.
const calmed = () => trouble(lost ? "The explorer does not answer: has it been ended?" : null);

// hear takes a message of the stream.
let lost = false;
function hear({news, gone, lost: now}) {
  if (now !== undefined) {
    const turned = now !== lost;
    lost = now;
    if (turned) calmed();
    return;
  }
  if (gone !== undefined) { drop(gone); return; }
  if (news.spec) adopt(news);
  const t = live.get(news.id);
  if (!t) return;
  take(t, news);
  if (!selected) select(t.id);
}

// follow listens to all trainings: through a worker that the tabs share, or, where there is none, while this one is seen.
let source = null;
function follow() {
  if (globalThis.SharedWorker) {
    const worker = new SharedWorker(new URL("stream.js", import.meta.url));
    worker.port.onmessage = event => hear(event.data);
    return;
  }
  const listen = () => {
    source?.close();
    source = document.hidden ? null : new EventSource(`api/events?at=${[...live.keys()].map(id => `${id}:0`)}`);
    source?.addEventListener("message", event => hear({news: JSON.parse(event.data)}));
    source?.addEventListener("gone", event => hear({gone: Number(event.data)}));
    source?.addEventListener("open", () => hear({lost: false}));
    source?.addEventListener("error", () => hear({lost: true}));
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}

function drop(id) {
  const t = live.get(id);
  if (!t) return;
  t.item.remove();
  live.delete(id);
  if (selected === id) { selected = null; $("#inside").hidden = true; }
  $("#empty").hidden = live.size > 0;
  redraw();
}

// take adds what is new of a training.
function take(t, news) {
  const last = t.points.length ? t.points[t.points.length - 1][0] : 0;
  for (const p of news.points ?? []) if (p[0] > last) t.points.push(p);
  if (t.points.length > 12000) t.points = t.points.filter((_, i) => i % 2 === 1);
  const tested = t.tests.length ? t.tests[t.tests.length - 1][0] : 0;
  for (const p of news.tests ?? []) if (p[0] > tested) t.tests.push(p);
  const was = t.news?.state;
  t.news = news;
  if (selected === t.id && was && was !== news.state && news.state !== "running") look();
  redraw();
}

const redraw = perFrame(() => {
  const series = [];
  for (const t of live.values()) {
    const xs = t.points.map(p => p[0]);
    const own = [rules.bp, rules.pc].includes(t.color) ? (t.color === rules.bp ? css2("--bp") : css2("--pc")) : t.color;
    series.push({name: `${t.name}, each batch`, color: own + "55", width: 1, x: xs, y: t.points.map(p => p[1])},
      {name: t.name, color: own, width: 2.2, x: xs, y: t.points.map(p => p[2])});
    drawItem(t);
  }
  $("#curves").hidden = $("#save-csv").hidden = live.size === 0;
  chart.set(series);
});

const css2 = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function drawItem(t) {
  const n = t.news, p = t.points[t.points.length - 1];
  if (!n) return;
  t.item.dataset.state = n.state;
  t.bar.value = n.total ? n.batch / n.total : 0;
  const over = n.state !== "running" && n.state !== "paused";
  t.pause.textContent = n.state === "paused" ? "Go on" : "Pause";
  t.pause.disabled = over;
  t.step.disabled = n.state !== "paused";
  const parts = [`${n.state}, batch ${n.batch} of ${n.total}`];
  if (p) parts.push(`MSE ${number(p[2] ?? p[1])}`, `${number(p[3] / p[0], 3)} passes a step`);
  if (t.tests.length) parts.push(`test accuracy ${fixed(100 * t.tests[t.tests.length - 1][2], 2)} %`);
  if (n.message) parts.push(n.message);
  const s = n.summary;
  t.line.replaceChildren(parts.join(" · "));
  if (s) {
    if (s.test_accuracy !== null) t.line.replaceChildren(`${n.state}, ${n.batch} batches · train MSE ${number(s.train_mse)} · test accuracy ${fixed(100 * s.test_accuracy, 2)} % · ${number(s.samples_per_second)} samples/s`);
    t.line.append(h("br"), h("code", {class: "hash", "data-hash": s.weights_sha256, title: "SHA-256 of the weights: settle train with these settings reaches the same"}, `weights ${s.weights_sha256.slice(0, 16)}…`));
  }
}

function select(id) {
  selected = id;
  const t = live.get(id);
  $("#inside").hidden = false;
  $("#inside-name").textContent = t.name;
  for (const o of live.values()) o.item.classList.toggle("chosen", o.id === id);
  look();
}

// The look: one at a time, and the last that was asked for after it.
let busy = false, wanted = false, shown = null, hand = false;
let pad, layers, energies, residuals;

async function look() {
  if (!selected || !live.has(selected)) return;
  if (busy) { wanted = true; return; }
  busy = true;
  $("#inside").setAttribute("aria-busy", "true");
  const v = view.values, [method, coords] = v.method.split(" ");
  const question = {target: Number(v.target), method, coords, dt: v.dt, steps: v.steps};
  if (hand) question.pixels = pad.pixels();
  else Object.assign(question, {split: "test", index: v.index});
  try {
    const answer = await post(`api/trainings/${selected}/look`, question);
    calmed();
    show(answer);
  } catch (e) { trouble(e); }
  busy = false;
  $("#inside").removeAttribute("aria-busy");
  if (wanted) { wanted = false; look(); }
}

function show(answer) {
  const first = shown === null;
  const before = shown ? Number($("#frame").value) / Math.max(1, shown.frames.length - 1) : 1;
  shown = answer;
  const context = $("#digit").getContext("2d"), image = context.createImageData(answer.cols, answer.rows);
  answer.pixels.forEach((p, i) => image.data.set([p, p, p, 255], 4 * i));
  context.putImageData(image, 0, 0);
  const L = answer.e.length, last = answer.frames.length - 1;
  const tints = Array.from({length: L}, (_, l) => blend(css2("--bp"), css2("--pc"), L > 1 ? l / (L - 1) : 1));
  const passes = answer.frames.map((_, i) => i);
  const curves = key => tints.map((color, l) => ({name: `layer ${l + 1}`, color, width: 1.8, x: passes, y: answer.frames.map(f => f[key][l])}));
  energies.set(curves("energies"));
  residuals.set(curves("residuals").slice(0, -1));
  layers.set(answer, tints);
  $("#frame").max = last;
  $("#frame").value = first ? last : Math.round(before * last);
  const winner = answer.output.indexOf(Math.max(...answer.output));
  $("#says").replaceChildren("The network says ", h("strong", {}, String(winner)), answer.label >= 0 ? `; it is a ${answer.label}. ` : ". ",
    `With the output clamped to ${answer.target}, inference ended: ${answer.status.replace("_", " ")}.`);
  frame();
}

function frame() {
  if (!shown) return;
  const k = Number($("#frame").value), f = shown.frames[k];
  $("#frame-out").textContent = k;
  $("#frame-says").textContent = `F ${number(f.energy, 4)} after ${number(f.passes, 4)} passes`;
  $("#back").disabled = k === 0;
  $("#forth").disabled = k === shown.frames.length - 1;
  energies.mark(k);
  residuals.mark(k);
  layers.frame(k);
  outputs($("#outputs"), shown.output, f.output, shown.target);
}

function blend(a, b, f) {
  const parse = c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16));
  const p = parse(a), q = parse(b);
  return "#" + p.map((x, i) => Math.round(x + (q[i] - x) * f).toString(16).padStart(2, "0")).join("");
}

function listen() {
  for (const name of form) {
    $(`#${name}`).addEventListener("change", event => view.set({[name]: event.target.value}));
  }
  for (const name of looking) $(`#${name}`).addEventListener("change", event => view.set({[name]: event.target.value}));
  $("#form").addEventListener("submit", event => { event.preventDefault(); launch(view.values.rule); });
  $("#race").addEventListener("click", async () => { await launch("pc"); await launch("bp"); });
  for (const b of document.querySelectorAll("[data-preset]")) b.addEventListener("click", () => view.set(presets[b.dataset.preset]));
  $("#save-csv").addEventListener("click", () => saveCSV(chart.rows(), "settle-training.csv"));
  $("#again").addEventListener("click", look);
  const move = by => () => view.set({index: (view.values.index + by + 10000) % 10000});
  $("#previous").addEventListener("click", move(-1));
  $("#next").addEventListener("click", move(1));
  $("#random").addEventListener("click", () => view.set({index: Math.floor(10000 * Math.random())}));
  $("#from-test").addEventListener("click", () => byHand(false));
  $("#from-hand").addEventListener("click", () => byHand(true));
  $("#wipe").addEventListener("click", () => { pad.wipe(); look(); });
  $("#frame").addEventListener("input", () => { halt(); frame(); });
  $("#back").addEventListener("click", () => { halt(); $("#frame").stepDown(); frame(); });
  $("#forth").addEventListener("click", () => { halt(); $("#frame").stepUp(); frame(); });
  $("#play").addEventListener("click", play);
}

function byHand(to) {
  hand = to;
  $("#from-test").setAttribute("aria-pressed", String(!to));
  $("#from-hand").setAttribute("aria-pressed", String(to));
  $("#pad").hidden = $("#hand-tools").hidden = !to;
  $("#digit").hidden = $("#test-tools").hidden = to;
  if (!to || !pad.empty) look();
}

let playing = 0;
function halt() {
  clearInterval(playing);
  playing = 0;
  $("#play").setAttribute("aria-pressed", "false");
  $("#play").setAttribute("aria-label", "Play inference");
}
function play() {
  if (playing) { halt(); return; }
  const slider = $("#frame");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  $("#play").setAttribute("aria-pressed", "true");
  $("#play").setAttribute("aria-label", "Pause inference");
  playing = setInterval(() => {
    if (Number(slider.value) >= Number(slider.max)) { halt(); return; }
    slider.stepUp();
    frame();
  }, calm() ? 500 : 90);
}

function fillForm() {
  const v = view.values;
  for (const name of [...form, ...looking]) if (document.activeElement !== $(`#${name}`) || $(`#${name}`).tagName === "SELECT") $(`#${name}`).value = v[name];
  $("#solver").disabled = !choices.solves.includes(v.rule);
}

async function start() {
  for (const e of document.querySelectorAll("[data-rule]")) e.style.color = `var(--${e.dataset.rule})`;
  try {
    choices = await get("api/choices");
  } catch (e) { trouble(e); return; }
  const fields = fieldsOf(choices);
  for (const [name, f] of Object.entries(fields)) {
    if (!f.words) continue;
    const label = name === "target" ? w => w === "-1" ? "its label, or what the network says" : w : w => spoken[w] ?? w;
    $(`#${name}`).replaceChildren(...f.words.map(w => h("option", {value: w}, label(w))));
  }
  view = state(fields, names => {
    fillForm();
    if (names.some(name => looking.includes(name))) look();
  });
  chart = new Chart($("#curves"), {x: "batches", y: "MSE, each batch and mean of 50"});
  energies = new Chart($("#energies"), {x: "inference step", y: "½‖e‖²", height: 200});
  residuals = new Chart($("#residuals"), {x: "inference step", y: "‖∂F/∂z‖", height: 200});
  layers = new Layers($("#layers tbody"));
  pad = new Pad($("#pad"), look);
  listen();
  fillForm();
  for (const t of await get("api/trainings")) adopt(t);
  if (live.size) select([...live.keys()].pop());
  follow();
  redraw();
  document.body.dataset.ready = "network";
}

start();
