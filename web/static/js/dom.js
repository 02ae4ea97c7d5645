// Elements in few words, and numbers for people.

const SVG = "http://www.w3.org/2000/svg";

function fill(e, attributes, children) {
  for (const [k, v] of Object.entries(attributes || {})) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k in e && k !== "list" && typeof v === "boolean") e[k] = v;
    else e.setAttribute(k, v);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

// h makes an HTML element, s one of SVG.
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

export const $ = (selector, root = document) => root.querySelector(selector);

// number writes v with so many significant digits and a true minus.
export function number(v, digits = 3) {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  if (v === 0) return "0";
  const a = Math.abs(v);
  const text = a >= 1e-3 && a < 1e6 ? trim(v.toPrecision(digits)) : power(v, digits);
  return text.replace("-", "−");
}

function trim(text) {
  const n = Number(text);
  const plain = n.toString();
  return plain.includes("e") || plain.length > text.length + 6 ? text : plain;
}

const raised = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};

export const superscript = n => [...String(n)].map(c => raised[c]).join("");

function power(v, digits) {
  const [m, e] = v.toExponential(Math.max(0, digits - 1)).split("e");
  return `${Number(m)}×10${superscript(Number(e))}`;
}

export const fixed = (v, decimals) => v === null || Number.isNaN(v) ? "–" : v.toFixed(decimals).replace("-", "−");

// perFrame runs f at most once a frame, with the last arguments.
export function perFrame(f) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; f(); });
  };
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
