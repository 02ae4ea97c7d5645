// The landscapes in space, by Plotly.

import {palettes, looks, rules} from "./color.js";

function script(url) {
  return new Promise((done, failed) => {
    const e = document.createElement("script");
    e.src = url;
    e.onload = done;
    e.onerror = () => failed(new Error(`${url} does not load`));
    document.head.append(e);
  });
}

// sheet gives Plotly a style sheet to write its rules to: the page's policy lets it make none of its own.
function sheet(url) {
  return new Promise((done, failed) => {
    const e = document.createElement("link");
    e.id = "plotly.js-style-global";
    e.rel = "stylesheet";
    e.href = url;
    e.onload = done;
    e.onerror = () => failed(new Error(`${url} does not load`));
    document.head.append(e);
  });
}

export async function space(host) {
  await sheet(new URL("../css/plotly.css", import.meta.url));
  await script(new URL("../../third_party/plotly/plotly-gl3d.min.js", import.meta.url));
  const Plotly = globalThis.Plotly;
  const camera = {eye: {x: -1.25, y: 1.6, z: 1.1}, center: {x: 0, y: 0, z: -0.18}};
  let drawn = false;
  return {
    show(panels, shown, v, n) {
      const [a, b] = shown.window, axis = Array.from({length: n}, (_, i) => a + (b - a) * i / (n - 1));
      const top = Math.min(6 * shown.problem.saddle, shown.surfaces.equilibrium.reduce((p, q) => Math.max(p, q), 0));
      const ink = getComputedStyle(document.body).color;
      const traces = [], layout = {autosize: true, margin: {l: 0, r: 0, t: 24, b: 0}, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)",
        font: {color: ink, family: "system-ui, DejaVu Sans, sans-serif"}, annotations: []};
      const narrow = host.clientWidth < 700;
      panels.forEach((p, i) => {
        const scene = i ? `scene${i + 1}` : "scene", z = [];
        const values = shown.surfaces[p.surface];
        for (let j = 0; j < n; j++) z.push(Array.from(values.subarray(j * n, (j + 1) * n), q => Math.min(q, top)));
        traces.push({type: "surface", scene, x: axis, y: axis, z, cmin: 0, cmax: top, showscale: false, colorscale: stops(v.look, top, shown.problem.saddle),
          contours: {z: {show: true, color: "rgba(38,38,38,0.35)", start: 0, end: top, size: top / 12}}, hoverinfo: "skip", lighting: {ambient: 0.85, diffuse: 0.3, specular: 0.03}});
        for (const rule of ["bp", "pc"]) {
          const {points, steps} = shown.paths[rule], x = [], y = [], h = [];
          for (let k = 0; k <= Math.min(v.k, steps); k++) {
            const w1 = points[4 * k], w2 = points[4 * k + 1];
            x.push(w1); y.push(w2); h.push(height(values, n, a, b, w1, w2) + 0.02 * top);
          }
          traces.push({type: "scatter3d", mode: "lines", scene, x, y, z: h, line: {color: rules[rule], width: p.own && p.own !== rule ? 3 : 7}, hoverinfo: "skip"});
        }
        const flat = title => ({title: {text: title}, showbackground: false, gridcolor: "rgba(128,128,128,0.25)", zeroline: false, color: ink});
        layout[scene] = {camera: drawn ? undefined : camera, xaxis: flat("w₁"), yaxis: flat("w₂"), zaxis: {...flat(""), range: [0, top]}, aspectmode: "cube",
          domain: narrow ? {x: [0, 1], y: [1 - (i + 1) / 3, 1 - i / 3]} : {x: [i / 3, (i + 1) / 3], y: [0, 1]}};
        layout.annotations.push({text: document.getElementById(`title-${p.surface}`).textContent, showarrow: false, xref: "paper", yref: "paper", font: {size: 13},
          x: narrow ? 0.5 : (i + 0.5) / 3, y: narrow ? 1 - i / 3 : 1, yanchor: "bottom"});
      });
      if (drawn) panels.forEach((_, i) => { delete layout[i ? `scene${i + 1}` : "scene"].camera; });
      layout.uirevision = "same"; // turned as the reader has turned it
      drawn = true;
      return Plotly.react(host, traces, layout, {displaylogo: false, responsive: true, displayModeBar: false});
    },
    png: name => Plotly.downloadImage(host, {format: "png", filename: name.replace(/\.png$/, ""), width: host.clientWidth, height: host.clientHeight, scale: 2}),
  };
}

// stops is a look's palette with mid in the middle and the square root's spacing, as the maps have it.
function stops(look, top, mid) {
  const colors = palettes[looks[look].landscape], out = [];
  const m = Math.sqrt(mid), t = Math.sqrt(Math.max(top, mid));
  colors.forEach((c, i) => {
    const f = i / (colors.length - 1), r = f < 0.5 ? 2 * f * m : m + (2 * f - 1) * (t - m);
    out.push([Math.min(1, r * r / Math.max(top, mid)), c]);
  });
  return out;
}

// height reads the surface between its points.
function height(values, n, a, b, w1, w2) {
  const f = w => Math.max(0, Math.min(n - 1.001, (w - a) / (b - a) * (n - 1)));
  const i = Math.floor(f(w1)), j = Math.floor(f(w2)), u = f(w1) - i, q = f(w2) - j;
  const at = (p, r) => values[r * n + p];
  return (at(i, j) * (1 - u) + at(i + 1, j) * u) * (1 - q) + (at(i, j + 1) * (1 - u) + at(i + 1, j + 1) * u) * q;
}
