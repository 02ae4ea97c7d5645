// Curves, by uPlot: any number of series with points of their own, on a linear or logarithmic scale.

import uPlot from "../../third_party/uplot/uPlot.esm.js";
import {number} from "./dom.js";

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// decades are whole ones around the values, at most six: what is smaller lies below the chart.
const decades = (_, lo, hi) => hi > 0 ? [10 ** Math.floor(Math.log10(Math.max(lo, hi * 1e-6))), 10 ** Math.ceil(Math.log10(hi) + 1e-9)] : [0.1, 1];

export class Chart {
  constructor(host, {x, y, log = true, height = 280}) {
    Object.assign(this, {host, x, y, log, height, series: [], plot: null, key: ""});
    host.setAttribute("role", "img");
    new ResizeObserver(() => { if (this.plot) this.plot.setSize({width: host.clientWidth, height}); }).observe(host);
    addEventListener("themechange", () => { this.key = ""; this.set(this.series); });
  }

  // set shows series {name, color, x, y, dash, width}; null in y is a gap.
  set(series) {
    this.series = series;
    const full = series.filter(s => s.x.length > 0);
    const data = full.length === 0 ? [[], []] : full.length === 1 ? [full[0].x, full[0].y] : uPlot.join(full.map(s => [s.x, s.y]));
    if (this.log) for (const values of data.slice(1)) for (let i = 0; i < values.length; i++) if (values[i] <= 0) values[i] = null;
    const key = JSON.stringify([full.map(s => [s.name, s.color, s.dash, s.width]), this.x, this.y, this.log]);
    if (key !== this.key || !this.plot) {
      this.key = key;
      this.plot?.destroy();
      this.plot = new uPlot(this.options(full), data, this.host);
    } else {
      this.plot.setData(data);
    }
    const last = s => { for (let i = s.y.length - 1; i >= 0; i--) if (s.y[i] !== null && s.y[i] !== undefined) return s.y[i]; return null; };
    this.host.setAttribute("aria-label", `${this.y} against ${this.x}: ${full.map(s => `${s.name} now ${number(last(s))}`).join("; ") || "nothing yet"}`);
  }

  mark(x) {
    this.at = x;
    this.plot?.redraw(false);
  }

  options(series) {
    const ink = css("--soft"), grid = css("--line"), font = "12px system-ui, DejaVu Sans, sans-serif";
    const axis = label => ({label, stroke: ink, font, labelFont: font, grid: {stroke: grid, width: 1}, ticks: {stroke: grid, width: 1}});
    return {
      width: this.host.clientWidth || 300, height: this.height, legend: {show: false}, cursor: {drag: {x: true, y: false}},
      scales: {x: {time: false}, y: this.log ? {distr: 3, log: 10, range: decades} : {}},
      axes: [{...axis(this.x), size: 34, labelSize: 22}, {...axis(this.y), size: 64, values: (_, ticks) => ticks.map(v => v === null ? "" : number(v, 3))}],
      series: [{}, ...(series.length ? series : [{name: "", color: ink}]).map(s => ({label: s.name, stroke: s.color, width: s.width ?? 1.6, dash: s.dash, spanGaps: true, points: {show: false}}))],
      hooks: {draw: [u => {
        if (this.at === undefined) return;
        const px = u.valToPos(this.at, "x", true);
        u.ctx.save();
        u.ctx.strokeStyle = css("--fg");
        u.ctx.lineWidth = devicePixelRatio;
        u.ctx.beginPath();
        u.ctx.moveTo(px, u.bbox.top);
        u.ctx.lineTo(px, u.bbox.top + u.bbox.height);
        u.ctx.stroke();
        u.ctx.restore();
      }]},
    };
  }

  // rows are the numbers, for CSV.
  rows() {
    const out = [["series", this.x, this.y]];
    for (const s of this.series) s.x.forEach((x, i) => out.push([s.name, x, s.y[i]]));
    return out;
  }
}
