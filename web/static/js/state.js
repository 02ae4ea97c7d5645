// What a page shows, in its address: a view can be shared, and comes back with the browser's back button.

// state holds values with defaults; those that differ are in the query. Each default says what is accepted: a number with
// {value, min, max, step}, or a word with {value, words}.
export function state(fields, changed) {
  const values = {};
  const read = () => {
    const query = new URLSearchParams(location.search);
    for (const [name, f] of Object.entries(fields)) values[name] = accept(f, query.get(name));
  };
  read();
  let timer = 0;
  const write = () => {
    timer = 0;
    const query = new URLSearchParams(location.search);
    for (const [name, f] of Object.entries(fields)) {
      if (values[name] === f.value) query.delete(name);
      else query.set(name, values[name]);
    }
    const text = query.toString();
    history.replaceState(null, "", text ? `?${text}` : location.pathname);
  };
  addEventListener("popstate", () => { read(); changed(Object.keys(fields)); });
  return {
    values,
    // set takes new values; the address follows within a quarter of a second, since browsers limit how often it may change.
    set(next) {
      const names = [];
      for (const [name, v] of Object.entries(next)) {
        const to = accept(fields[name], v);
        if (to !== values[name]) { values[name] = to; names.push(name); }
      }
      if (names.length === 0) return;
      if (!timer) timer = setTimeout(write, 250);
      changed(names);
    },
    reset() { this.set(Object.fromEntries(Object.entries(fields).map(([k, f]) => [k, f.value]))); },
  };
}

function accept(f, v) {
  if (v === null || v === undefined || v === "") return f.value;
  if (f.words) return f.words.includes(v) ? v : f.value;
  const n = Number(v);
  if (!Number.isFinite(n)) return f.value;
  const bounded = Math.min(f.max, Math.max(f.min, n));
  return f.not !== undefined && bounded === f.not ? f.value : bounded;
}
