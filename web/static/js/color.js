// The colours of package plot, which figures and reports have too.

export const rules = {bp: "#0072B2", pc: "#D55E00"};

// lines are for what is not one of these two rules, in this order.
export const lines = ["#009E73", "#CC79A7", "#E69F00", "#56B4E9"];

export const palettes = {
  BlueWhiteRed: ["#0A2463", "#1F57A4", "#5A9BD5", "#B3D4ED", "#FFFFFF", "#F6C3AF", "#E07A5F", "#B92B32", "#6B0F1A"],
  BlueWhiteOrange: ["#002B49", "#005A8F", "#3C9AD0", "#A9D3EC", "#FFFFFF", "#F8CFA0", "#E8933C", "#B85A00", "#5E2B00"],
  Cividis: ["#00204D", "#31446B", "#666970", "#958F78", "#CBBA69", "#FFEA46"],
};

// looks of a landscape, as those of settle toy --palette.
export const looks = {
  post: {landscape: "BlueWhiteRed", over: "#FFD60A", casing: "#262626"},
  safe: {landscape: "Cividis", over: "#FFFFFF", casing: "#000000"},
};

const channels = c => [1, 3, 5].map(i => parseInt(c.slice(i, i + 2), 16));

// table is a palette in 256 colours, as bytes r, g, b, a.
export function table(name) {
  const stops = palettes[name].map(channels);
  const out = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) {
    const f = i / 255 * (stops.length - 1), k = Math.min(Math.floor(f), stops.length - 2);
    for (let c = 0; c < 3; c++) out[4 * i + c] = stops[k][c] * (1 - (f - k)) + stops[k + 1][c] * (f - k);
    out[4 * i + 3] = 255;
  }
  return out;
}

// scale maps a value to 0 … 255: with the square root of the distance from 0, and mid in the middle, as the figures have it.
export function scale(top, mid) {
  const m = Math.sqrt(mid), t = Math.sqrt(Math.max(top, mid)) - m;
  return v => {
    const r = Math.sqrt(v > 0 ? v : 0);
    const f = r < m ? r / m / 2 : 0.5 + (t > 0 ? (r - m) / t / 2 : 0);
    return f > 1 ? 255 : Math.round(255 * f);
  };
}

// css is a palette's colour at f from 0 to 1.
export function css(name, f) {
  const t = table(name), i = 4 * Math.round(255 * Math.max(0, Math.min(1, f)));
  return `rgb(${t[i]},${t[i + 1]},${t[i + 2]})`;
}
