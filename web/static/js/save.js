// Downloads: pictures as SVG or PNG, numbers as CSV.

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export const saveText = (text, name, type) => save(new Blob([text], {type}), name);

export const saveSVG = (svg, name) => saveText(new XMLSerializer().serializeToString(svg), name, "image/svg+xml");

// savePNG draws an SVG at twice its size.
export async function savePNG(svg, name) {
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], {type: "image/svg+xml"}));
  const image = new Image();
  await new Promise((done, failed) => { image.onload = done; image.onerror = failed; image.src = url; });
  const canvas = document.createElement("canvas");
  canvas.width = 2 * Number(svg.getAttribute("width"));
  canvas.height = 2 * Number(svg.getAttribute("height"));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  save(await new Promise(done => canvas.toBlob(done, "image/png")), name);
}

export const csv = rows => rows.map(r => r.map(v => v === null || v === undefined ? "" : /[",\n]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : v).join(",")).join("\n") + "\n";

export const saveCSV = (rows, name) => saveText(csv(rows), name, "text/csv");
