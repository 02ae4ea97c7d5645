// A pad to draw a digit on, seen by the network as MNIST would have it: 28×28, about 20 high, its centre of mass in the middle.

const side = 280, cells = 28;

export class Pad {
  constructor(canvas, drawn) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", {willReadFrequently: true});
    this.wipe();
    let from = null;
    const at = event => {
      const r = canvas.getBoundingClientRect();
      return [(event.clientX - r.left) / r.width * side, (event.clientY - r.top) / r.height * side];
    };
    canvas.addEventListener("pointerdown", event => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      from = at(event);
      this.stroke(from, from);
    });
    canvas.addEventListener("pointermove", event => {
      if (!from) return;
      const to = at(event);
      this.stroke(from, to);
      from = to;
    });
    const end = () => { if (from) { from = null; drawn(); } };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  }

  wipe() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, side, side);
    this.empty = true;
  }

  stroke(a, b) {
    const c = this.context;
    c.strokeStyle = "#fff";
    c.lineWidth = 22;
    c.lineCap = "round";
    c.beginPath();
    c.moveTo(...a);
    c.lineTo(...b);
    c.stroke();
    this.empty = false;
  }

  // pixels are 28×28 bytes: what is drawn, fitted into 20×20 and centred by its mass.
  pixels() {
    const drawn = this.context.getImageData(0, 0, side, side).data;
    let x0 = side, x1 = -1, y0 = side, y1 = -1;
    for (let y = 0, i = 0; y < side; y++) for (let x = 0; x < side; x++, i += 4) if (drawn[i] > 20) { x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y); }
    if (x1 < 0) return new Array(cells * cells).fill(0);
    const scale = 20 / (Math.max(x1 - x0, y1 - y0) + 1), w = (x1 - x0 + 1) * scale, hgt = (y1 - y0 + 1) * scale;
    const small = document.createElement("canvas");
    small.width = small.height = cells;
    const c = small.getContext("2d", {willReadFrequently: true});
    const put = (dx, dy) => {
      c.fillStyle = "#000";
      c.fillRect(0, 0, cells, cells);
      c.imageSmoothingQuality = "high";
      c.drawImage(this.canvas, x0, y0, x1 - x0 + 1, y1 - y0 + 1, (cells - w) / 2 + dx, (cells - hgt) / 2 + dy, w, hgt);
      return c.getImageData(0, 0, cells, cells).data;
    };
    let data = put(0, 0), mass = 0, mx = 0, my = 0;
    for (let i = 0; i < cells * cells; i++) { const m = data[4 * i]; mass += m; mx += m * (i % cells + 0.5); my += m * (Math.floor(i / cells) + 0.5); }
    data = put(Math.round(cells / 2 - mx / mass), Math.round(cells / 2 - my / mass));
    return Array.from({length: cells * cells}, (_, i) => data[4 * i]);
  }
}
