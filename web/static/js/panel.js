// One landscape over the weights: a heat map with contours, arrows and the paths of both rules.

import {s, number} from "./dom.js";
import {rules} from "./color.js";

const size = 400, left = 44, right = 12, top = 10, bottom = 40;
const inner = {x: left, y: top, w: size - left - right, h: size - top - bottom};
export const box = {size, ...inner};

// Panel draws in 400 units a side. The heat map is a canvas under the SVG: a repaint is as cheap as its pixels.
export class Panel {
  constructor(host, {label, move}) {
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    const clip = document.createElement("div");
    clip.className = "heat";
    clip.append(this.canvas);
    this.svg = s("svg", {viewBox: `0 0 ${size} ${size}`, role: "group", "aria-label": label});
    this.contours = s("path", {fill: "none", stroke: "#262626", "stroke-opacity": 0.5, "stroke-width": 8, transform: "scale(0.1)"}); // whole tenths are written fast
    this.arrows = s("g", {});
    this.paths = s("g", {fill: "none", "stroke-linejoin": "round", "stroke-linecap": "round"});
    this.marks = s("g", {});
    this.axes = s("g", {"font-family": "system-ui, DejaVu Sans, sans-serif", "font-size": 12, fill: "currentColor"});
    const clipID = `clip-${label.replace(/\W/g, "")}`;
    this.data = s("g", {"clip-path": `url(#${clipID})`}, this.contours, this.arrows, this.paths);
    this.svg.append(s("clipPath", {id: clipID}, s("rect", {x: inner.x, y: inner.y, width: inner.w, height: inner.h})),
      s("rect", {x: inner.x, y: inner.y, width: inner.w, height: inner.h, fill: "transparent"}), this.data, this.axes, this.marks);
    this.handle = s("g", {class: "handle", tabindex: 0, role: "slider"},
      s("circle", {r: 22, fill: "transparent"}), s("path", {d: "M0 -8 L8 0 L0 8 L-8 0 Z", fill: "#fff", stroke: "#262626", "stroke-width": 1.6, class: "diamond"}));
    this.marks.append(this.handle);
    host.prepend(clip, this.svg);
    this.listen(move);
  }

  // listen reports where a click, a drag of the handle, or the arrow keys put w⁰.
  listen(move) {
    let dragging = false;
    const at = event => {
      const r = this.svg.getBoundingClientRect();
      return this.weights((event.clientX - r.left) / r.width * size, (event.clientY - r.top) / r.height * size);
    };
    this.handle.addEventListener("pointerdown", event => {
      dragging = true;
      this.handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      this.handle.focus({preventScroll: true});
    });
    this.handle.addEventListener("pointermove", event => { if (dragging) move(at(event)); });
    // Browsers heed touch-action on elements of an SVG late or not at all: without this a finger would scroll the page.
    this.handle.addEventListener("touchstart", event => event.preventDefault(), {passive: false});
    const drop = () => { dragging = false; };
    this.handle.addEventListener("pointerup", drop);
    this.handle.addEventListener("pointercancel", drop);
    this.handle.addEventListener("click", event => event.stopPropagation());
    this.svg.addEventListener("click", event => move(at(event)));
    this.handle.addEventListener("keydown", event => {
      const by = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
      if (!by) return;
      event.preventDefault();
      const step = (this.window[1] - this.window[0]) * (event.shiftKey ? 0.0025 : 0.0125);
      move([this.w0[0] + by[0] * step, this.w0[1] + by[1] * step]);
    });
  }

  point(w1, w2) {
    const [a, b, c, d] = this.window;
    return [inner.x + (w1 - a) / (b - a) * inner.w, inner.y + (d - w2) / (d - c) * inner.h];
  }

  weights(px, py) {
    const [a, b, c, d] = this.window;
    return [a + (px - inner.x) / inner.w * (b - a), d - (py - inner.y) / inner.h * (d - c)];
  }

  setWindow(window) {
    this.window = window;
    const axis = [];
    for (const v of ticks(window[0], window[1])) {
      const [x] = this.point(v, window[2]);
      axis.push(s("path", {d: `M${x} ${inner.y + inner.h}v5`, stroke: "currentColor", "stroke-opacity": 0.6}),
        s("text", {x, y: inner.y + inner.h + 18, "text-anchor": "middle"}, number(v, 3)));
    }
    for (const v of ticks(window[2], window[3])) {
      const [, y] = this.point(window[0], v);
      axis.push(s("path", {d: `M${inner.x} ${y}h-5`, stroke: "currentColor", "stroke-opacity": 0.6}),
        s("text", {x: inner.x - 8, y: y + 4, "text-anchor": "end"}, number(v, 3)));
    }
    axis.push(s("text", {x: inner.x + inner.w / 2, y: size - 4, "text-anchor": "middle", "font-style": "italic"}, "w₁"),
      s("text", {x: 9, y: inner.y + inner.h / 2 + 4, "text-anchor": "middle", "font-style": "italic"}, "w₂"),
      s("rect", {x: inner.x, y: inner.y, width: inner.w, height: inner.h, fill: "none", stroke: "currentColor", "stroke-opacity": 0.45}));
    const [x, y] = this.point(0, 0);
    axis.push(s("path", {d: `M${x - 5} ${y}h10M${x} ${y - 5}v10`, stroke: "#262626", "stroke-width": 1.4}));
    this.axes.replaceChildren(...axis);
  }

  // setSurface paints n×n values with a colour table and a scale, and lines at the levels.
  setSurface(values, n, table, scale, levels) {
    if (this.canvas.width !== n) {
      this.canvas.width = this.canvas.height = n;
      this.image = this.canvas.getContext("2d").createImageData(n, n);
      this.pixels = new Uint32Array(this.image.data.buffer);
    }
    const colors = new Uint32Array(table.buffer);
    for (let j = 0, k = 0; j < n; j++) {
      const row = (n - 1 - j) * n;
      for (let i = 0; i < n; i++) this.pixels[row + i] = colors[scale(values[k++])];
    }
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
    const stepX = inner.w / (n - 1), stepY = -inner.h / (n - 1);
    this.contours.setAttribute("d", contours(values, n, levels, 10 * inner.x, 10 * (inner.y + inner.h), 10 * stepX, 10 * stepY));
  }

  // setField draws n×n arrows along −∇, as long as the cube root of its size; the longest is that of size full.
  setField(grads, n, full, look) {
    let most = full;
    if (!most) for (let i = 0; i < grads.length; i += 2) most = Math.max(most, Math.hypot(grads[i], grads[i + 1]));
    const longest = 0.9 * inner.w / n;
    let d = "";
    for (let j = 0, k = 0; j < n; j++) {
      for (let i = 0; i < n; i++, k += 2) {
        const g = Math.hypot(grads[k], grads[k + 1]);
        if (!(g > 0)) continue;
        const length = longest * Math.min(1, Math.cbrt(g / most));
        if (length < 1) continue;
        const ux = -grads[k] / g, uy = grads[k + 1] / g;
        const cx = inner.x + (i + 0.5) / n * inner.w, cy = inner.y + inner.h - (j + 0.5) / n * inner.h;
        const x = cx + ux * length / 2, y = cy + uy * length / 2, b = Math.min(4, length / 2);
        d += `M${(x - ux * length).toFixed(1)} ${(y - uy * length).toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`
          + `M${(x - b * (ux + 0.6 * uy)).toFixed(1)} ${(y - b * (uy - 0.6 * ux)).toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`
          + `L${(x - b * (ux - 0.6 * uy)).toFixed(1)} ${(y - b * (uy + 0.6 * ux)).toFixed(1)}`;
      }
    }
    this.arrows.replaceChildren(s("path", {d, fill: "none", stroke: look.casing, "stroke-opacity": 0.45, "stroke-width": 2.4}),
      s("path", {d, fill: "none", stroke: look.over, "stroke-width": 1.1}));
  }

  // setPaths draws both rules' paths, whole but faint, and up to step k. The panel's own rule lies on top.
  setPaths(paths, k, own) {
    const order = own === "bp" ? ["pc", "bp"] : ["bp", "pc"];
    const lines = [], dots = [];
    for (const rule of order) {
      const p = paths[rule].points, last = Math.min(k, paths[rule].steps);
      const strong = own === null || own === rule;
      const whole = this.line(p, 0, paths[rule].steps), done = this.line(p, 0, last);
      const width = strong ? 2.8 : 1.6;
      lines.push(s("path", {d: whole, stroke: rules[rule], "stroke-opacity": 0.55, "stroke-width": 1.2, "stroke-dasharray": "2 4"}),
        s("path", {d: done, stroke: "#fff", "stroke-width": width + 2.4}), s("path", {d: done, stroke: rules[rule], "stroke-width": width}));
      const [x, y] = this.point(p[4 * last], p[4 * last + 1]);
      dots.push(last === paths[rule].steps && paths[rule].status === "reached"
        ? s("path", {d: star(x, y, strong ? 9 : 7), fill: rules[rule], stroke: "#fff", "stroke-width": 1.5})
        : s("circle", {cx: x, cy: y, r: strong ? 6 : 4.5, fill: rules[rule], stroke: "#fff", "stroke-width": 2}));
    }
    this.paths.replaceChildren(...lines, ...dots);
  }

  // line is the path from point a to b, of which a screen shows no more than a few hundred.
  line(p, a, b) {
    const every = Math.max(1, Math.floor((b - a) / 600));
    let d = "";
    for (let i = a; ; i = Math.min(b, i + every)) {
      const [x, y] = this.point(p[4 * i], p[4 * i + 1]);
      d += `${d ? "L" : "M"}${clamp(x).toFixed(1)} ${clamp(y).toFixed(1)}`;
      if (i >= b) return d;
    }
  }

  setStart(w0) {
    this.w0 = w0;
    const [x, y] = this.point(...w0);
    this.handle.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    this.handle.setAttribute("aria-valuenow", w0[0].toFixed(3));
    this.handle.setAttribute("aria-valuemin", this.window[0]);
    this.handle.setAttribute("aria-valuemax", this.window[1]);
    this.handle.setAttribute("aria-valuetext", `w₁ ${number(w0[0])}, w₂ ${number(w0[1])}`);
    this.handle.setAttribute("aria-label", "Start w⁰; arrow keys move it");
  }

  // picture is the panel as an SVG by itself, placed at x, y of a larger one.
  picture(x, y, title) {
    const copy = this.svg.cloneNode(true);
    copy.querySelector(".handle circle")?.remove();
    const k = inner.w / (this.canvas.width - 1) / 2;
    const image = s("image", {x: inner.x - k, y: inner.y - k, width: inner.w + 2 * k, height: inner.h + 2 * k, href: this.canvas.toDataURL(),
      preserveAspectRatio: "none", "clip-path": this.data.getAttribute("clip-path")});
    copy.insertBefore(image, copy.children[1]);
    for (const [name, v] of [["x", x], ["y", y], ["width", size], ["height", size]]) copy.setAttribute(name, v);
    return [s("text", {x: x + inner.x, y: y - 6, "font-size": 14, "font-weight": 600, fill: "currentColor", "font-family": "system-ui, DejaVu Sans, sans-serif"}, title), copy];
  }
}

// clamp keeps coordinates where every browser draws them.
const clamp = v => Math.max(-4000, Math.min(4000, v));

function star(x, y, r) {
  let d = "";
  for (let i = 0; i < 10; i++) {
    const a = Math.PI * (i / 5 - 0.5), k = i % 2 ? 0.45 * r : r;
    d += `${i ? "L" : "M"}${(x + k * Math.cos(a)).toFixed(1)} ${(y + k * Math.sin(a)).toFixed(1)}`;
  }
  return d + "Z";
}

function ticks(a, b) {
  const raw = (b - a) / 4, base = 10 ** Math.floor(Math.log10(raw));
  const step = base * ([1, 2, 2.5, 5, 10].find(m => m * base >= raw * 0.999) ?? 10);
  const out = [];
  for (let i = Math.ceil(a / step - 1e-9); i * step <= b + 1e-9 * step; i++) out.push(i * step);
  return out;
}

// contours returns the segments of ascending levels by marching squares. A cell whose corners alternate has two; its mean says
// which.
function contours(v, n, levels, x0, y0, dx, dy) {
  let d = "";
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0, k = j * n; i < n - 1; i++, k++) {
      const a = v[k], b = v[k + 1], c = v[k + 1 + n], e = v[k + n];
      const lo = Math.min(a, b, c, e), hi = Math.max(a, b, c, e);
      for (const level of levels) {
        if (level <= lo) continue;
        if (level > hi) break;
        const x = x0 + i * dx, y = y0 + j * dy;
        const along = (p, q, py) => `${Math.round(x + (level - p) / (q - p) * dx)} ${Math.round(py)}`, up = (p, q, px) => `${Math.round(px)} ${Math.round(y + (level - p) / (q - p) * dy)}`;
        const code = (a >= level) | (b >= level) << 1 | (c >= level) << 2 | (e >= level) << 3;
        switch (code) {
          case 1: case 14: d += `M${along(a, b, y)}L${up(a, e, x)}`; break;
          case 2: case 13: d += `M${along(a, b, y)}L${up(b, c, x + dx)}`; break;
          case 4: case 11: d += `M${along(e, c, y + dy)}L${up(b, c, x + dx)}`; break;
          case 8: case 7: d += `M${along(e, c, y + dy)}L${up(a, e, x)}`; break;
          case 3: case 12: d += `M${up(a, e, x)}L${up(b, c, x + dx)}`; break;
          case 6: case 9: d += `M${along(a, b, y)}L${along(e, c, y + dy)}`; break;
          default: {
            const low = along(a, b, y), high = along(e, c, y + dy), west = up(a, e, x), east = up(b, c, x + dx);
            d += ((a + b + c + e) / 4 >= level) === (a >= level) ? `M${low}L${east}M${high}L${west}` : `M${low}L${west}M${high}L${east}`;
          }
        }
      }
    }
  }
  return d;
}
