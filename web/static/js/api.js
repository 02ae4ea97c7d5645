// Requests to the server that the page came from.

async function answer(response) {
  let body = null;
  try { body = await response.json(); } catch { /* said below */ }
  if (!response.ok) throw new Error(body?.error ?? `the server answered ${response.status}`);
  return body;
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the explorer does not answer: has it been ended?");
  }
  return answer(response);
}

export const get = path => request(path);

export const post = (path, body = {}) => request(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});

// trouble shows an error at the head of the page, or nothing any more.
export function trouble(e) {
  const p = document.getElementById("trouble");
  p.hidden = !e;
  p.textContent = e ? e.message ?? String(e) : "";
}
