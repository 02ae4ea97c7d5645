// Layers as pictures: activities and errors, with their numbers, at one step of inference.

import {h, s, number, fixed} from "./dom.js";
import {table} from "./color.js";

const tints = new Uint32Array(table("BlueWhiteRed").buffer);

const bytes = text => Int8Array.from(atob(text ?? ""), c => c.charCodeAt(0));

export class Layers {
  constructor(body) { this.body = body; }

  // set takes an answer to a look and makes a row for each layer.
  set(answer, colors) {
    this.answer = answer;
    this.rows = answer.e.map((e, l) => {
      const values = {z: answer.z[l] ? bytes(answer.z[l].bytes) : null, e: bytes(e.bytes)};
      const units = values.e.length / answer.frames.length;
      const row = {values, units, z: picture(units, values.z ? `Activities of layer ${l + 1}` : null), e: picture(units, `Errors of layer ${l + 1}`),
        energy: h("td", {class: "number"}), residual: h("td", {class: "number"}), cosine: h("td", {class: "number"})};
      const chip = h("span", {class: "chip"});
      chip.style.background = colors[l];
      row.tr = h("tr", {}, h("th", {scope: "row"}, chip, `${l + 1}`, h("span", {class: "soft"}, ` ${units} unit${units === 1 ? "" : "s"}`)),
        h("td", {}, row.z ?? h("span", {class: "soft"}, "clamped")), h("td", {}, row.e), row.energy, row.residual, row.cosine);
      return row;
    });
    this.body.replaceChildren(...this.rows.map(r => r.tr));
  }

  frame(k) {
    const f = this.answer.frames[k];
    this.rows.forEach((r, l) => {
      if (r.values.z) paint(r.z, r.values.z, k, r.units);
      paint(r.e, r.values.e, k, r.units);
      r.energy.textContent = number(f.energies[l], 3);
      r.residual.textContent = r.values.z ? number(f.residuals[l], 3) : "–";
      r.cosine.textContent = f.cosines[l] === null ? "–" : fixed(f.cosines[l], 3);
    });
  }
}

// picture is a canvas for so many units, wider than high.
function picture(units, label) {
  if (label === null) return null;
  const cols = Math.min(units, Math.max(10, Math.ceil(Math.sqrt(units * 4)))), rows = Math.ceil(units / cols);
  const c = h("canvas", {width: cols, height: rows, class: "units", role: "img", "aria-label": label});
  c.style.width = `${Math.min(240, cols * 10)}px`;
  return c;
}

function paint(canvas, values, k, units) {
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < units; i++) out[i] = tints[values[k * units + i] + 128];
  context.putImageData(image, 0, 0);
}

// outputs shows what the network says of each class: feedforward, and at this step of inference.
export function outputs(host, feedforward, now, target) {
  const w = 260, hgt = 110, base = 78, top = 8;
  const all = [...feedforward, ...now, 0, 1], lo = Math.min(...all), hi = Math.max(...all);
  const y = v => top + (hi - v) / (hi - lo) * (base - top + 12);
  const svg = s("svg", {viewBox: `0 0 ${w} ${hgt}`, "font-size": 11, "font-family": "system-ui, DejaVu Sans, sans-serif"});
  const each = w / feedforward.length;
  feedforward.forEach((v, i) => {
    const x = i * each, bar = (value, dx, width, cls) => s("rect", {x: x + dx, y: Math.min(y(0), y(value)), width, height: Math.max(0.5, Math.abs(y(value) - y(0))), class: cls});
    svg.append(bar(v, each * 0.18, each * 0.3, "then"), bar(now[i], each * 0.52, each * 0.3, "now"),
      s("text", {x: x + each / 2, y: hgt - 4, "text-anchor": "middle", fill: "currentColor", "font-weight": i === target ? 700 : 400, "text-decoration": i === target ? "underline" : "none"}, i));
  });
  svg.append(s("path", {d: `M0 ${y(0)}H${w}`, stroke: "currentColor", "stroke-opacity": 0.5, "stroke-width": 0.8}));
  host.setAttribute("aria-label", `Outputs at this step: ${now.map((v, i) => `${i} ${fixed(v, 2)}`).join(", ")}`);
  host.replaceChildren(svg, h("p", {class: "soft key"}, h("span", {class: "chip then"}), "feedforward ", h("span", {class: "chip now"}), "at this step, from layer below"));
}
