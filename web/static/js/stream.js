// The events of all trainings, for all tabs: a worker that they share, since browsers open only six connections to a server.

const ports = [], known = new Set();
let source = null;

const tell = message => { for (const p of ports) p.postMessage(message); };

// listen starts from the beginning, for a tab that is new; the others know what they have.
function listen() {
  source?.close();
  const url = new URL("../../api/events", location);
  url.searchParams.set("at", [...known].map(id => `${id}:0`).join(","));
  source = new EventSource(url);
  source.onmessage = event => {
    const news = JSON.parse(event.data);
    known.add(news.id);
    tell({news});
  };
  source.onopen = () => tell({lost: false});
  source.onerror = () => tell({lost: true}); // it tries again by itself
  source.addEventListener("gone", event => {
    known.delete(Number(event.data));
    tell({gone: Number(event.data)});
  });
}

onconnect = event => {
  ports.push(event.ports[0]);
  listen();
};
