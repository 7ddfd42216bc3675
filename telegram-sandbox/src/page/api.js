// Talks to the sandbox's control API.

async function read(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error || `the sandbox answered ${response.status}`);
  return body;
}

export const get = async (path) => read(await fetch(`/sandbox/${path}`));

export const post = async (path, order) =>
  read(await fetch(`/sandbox/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(order),
  }));

/** Calls `tell(events, forgotten)` for all news after `n`, over restarts of the sandbox too. */
export function follow(n, tell) {
  const source = new EventSource(`/sandbox/stream?after=${n}`);
  let last = n;
  source.onmessage = (message) => {
    const news = JSON.parse(message.data);
    last = news.last;
    tell(news.events, news.forgotten);
  };
  source.onerror = () => {
    // The browser would ask again from the old number; a restarted sandbox counts anew.
    source.close();
    setTimeout(() => follow(last, tell), 800);
  };
  source.onopen = () => tell([], true);
}

export const fileUrl = (file) => `/sandbox/files/${file.sha256}`;
