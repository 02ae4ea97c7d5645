// Package toy, compiled to WebAssembly: every number of the page comes from there.

import "../wasm_exec.js";

const jobs = {landscape: 0, field: 1, path: 2, problem: 3, point: 4};
const surfaces = {loss: 0, energy: 1, equilibrium: 2, total: 3};
const statuses = ["reached", "step limit", "diverged"];

// instance starts the program from bytes that are gzipped, unless the server or the browser has unpacked them.
async function instance(url) {
  const go = new globalThis.Go();
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  let bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
  }
  const {instance} = await WebAssembly.instantiate(bytes, go.importObject);
  go.run(instance);
  return globalThis.settleToy;
}

export async function engine(url) {
  const call = await instance(url);
  let room = new Float64Array(4096);
  const view = v => new Uint8Array(v.buffer, v.byteOffset, v.byteLength);
  // run calls a job; the result shares memory with the next one's.
  const run = (job, args) => {
    const input = view(new Float64Array(args));
    let n = call(jobs[job], input, view(room));
    if (n > room.length) {
      room = new Float64Array(n);
      n = call(jobs[job], input, view(room));
    }
    return room.subarray(0, n);
  };
  return {
    // landscape is n×n values of a surface over a window [w₁ from, to, w₂ from, to], w₁ running faster.
    landscape: (p, surface, n, window) => run("landscape", [p.x, p.y, surfaces[surface], p.t, p.dt, n, ...window]).slice(),
    // field is n×n gradients, two numbers each.
    field: (p, surface, n, window) => run("field", [p.x, p.y, surfaces[surface], p.t, p.dt, n, ...window]).slice(),
    // path is where a rule goes from w⁰; points has w₁, w₂, 𝓛 and ‖w‖ of every step.
    path: (p, rule, w, steps, threshold) => {
      const v = run("path", [p.x, p.y, rule === "pc" ? 1 : 0, ...w, p.lr, steps, threshold]);
      return {status: statuses[v[0]], steps: v[1], length: v[2], straight: v[3], closest: v[4], closestStep: v[5], points: v.slice(6)};
    },
    problem: (p, w2) => {
      const v = run("problem", [p.x, p.y, ...w2]);
      return {loss: [v[0], v[1]], energy: [v[2], v[3]], saddle: v[4], maxDT: v[5]};
    },
    point: (p, w) => {
      const v = run("point", [p.x, p.y, p.t, p.dt, ...w]);
      return {loss: v[0], energy: v[1], equilibrium: v[2], z: v[3], zStar: v[4]};
    },
  };
}
