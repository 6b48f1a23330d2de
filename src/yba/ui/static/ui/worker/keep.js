/* What this device keeps for reading without a network: the face, and the pages their server marked, one account's.
   FACE is put in front by the server: files, offline page, where signing out is posted, where it is asked who is there. */
const KEPT = "yba-kept-";
const SHELL = "yba-face-" + FACE.version;
const LEAVING = "yba-leaving"; // there while a signing out has not reached the server
const DAY = 86400000;
const MOST = 30; // pages
const PATIENCE = 6000; // milliseconds before a kept page is shown in place of one that does not come
const AGAIN = 600000; // milliseconds in which a page that belongs to another is not fetched once more
let turn = 0; // what was asked for before the last forgetting is not kept after it
let acted = 0; // when something was last sent from here: what was kept before is fetched again

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const shell = await caches.open(SHELL);
  await Promise.all(FACE.files.map((file) => shell.add(file)));
  await shell.put(FACE.offline, await fetch(FACE.offline, { credentials: "omit" }));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("yba-face-") && name !== SHELL) await caches.delete(name);
  await sweep();
  await self.clients.claim();
})()));

self.addEventListener("message", (event) => { if (event.data === "forget") event.waitUntil(forget(false)); });

self.addEventListener("fetch", (event) => {
  const request = event.request, url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "GET" && /^\/ui\/(face\.|mark\.svg$|icon-)/.test(url.pathname)) event.respondWith(face(request));
  else if (request.mode !== "navigate") return;
  else if (request.method === "GET") event.respondWith(page(event));
  else if (url.pathname === FACE.signOut) event.respondWith(out(request));
  else { acted = Date.now(); if (request.referrer) event.waitUntil(drop(request.referrer)); }
});

async function face(request) {
  const shell = await caches.open(SHELL);
  const found = await shell.match(request, { ignoreVary: true });
  if (found) return found;
  try { return await fetch(request); } catch (problem) {
    const kind = new URL(request.url).pathname.split(".").pop(); // a kept page may be older than the face
    const other = FACE.files.find((file) => file.endsWith("." + kind));
    if (other) return shell.match(other, { ignoreVary: true });
    throw problem;
  }
}

function page(event) {
  const request = event.request, began = turn;
  const asked = (async () => {
    if (await caches.has(LEAVING) && !(await leave())) return nothing(true);
    return fetch(request);
  })();
  event.waitUntil(asked.then((answer) => {
    const copy = answer.status === 200 && answer.headers.has("X-Yba-Keep") ? answer.clone() : null;
    return seen(request.url, answer, copy, began);
  }, () => {}));
  return (async () => {
    const old = await find(request.url);
    if (!old) return asked.catch(() => nothing(false));
    const late = new Promise((show) => setTimeout(show, PATIENCE)).then(() => shown(old.clone()));
    return Promise.race([asked.catch(() => shown(old)), late]);
  })();
}

/* The page without a network; `leaving`: who went has not left at the server yet. */
async function nothing(leaving) {
  const found = await (await caches.open(SHELL)).match(FACE.offline, { ignoreVary: true });
  if (!found) return Response.error();
  return leaving ? marked(found, "data-leaving", "1") : found;
}

/* Signing out empties this device, with or without a network; the server is told as soon as it is reached. */
async function out(request) {
  await forget(true);
  try { return await fetch(request); } catch (problem) {
    await caches.open(LEAVING);
    return nothing(true);
  }
}

/* False: the server was not reached. */
async function leave() {
  try {
    const asked = { credentials: "same-origin", cache: "no-store", headers: { "X-Yba-Background": "1" } };
    const said = await (await fetch(FACE.whose, asked)).json();
    if (said.whose) {
      const body = new URLSearchParams({ csrfmiddlewaretoken: said.token });
      await fetch(FACE.signOut, { method: "POST", body, credentials: "same-origin", redirect: "manual" });
      const after = await (await fetch(FACE.whose, asked)).json();
      if (after.whose) return false;
    }
    await caches.delete(LEAVING);
    return true;
  } catch (problem) { return false; }
}

async function seen(address, answer, copy, began) {
  const said = answer.headers.get("X-Yba-Whose");
  if (said !== null) began += await onlyFor(said); // this answer is of whoever reads now
  const key = answer.headers.get("X-Yba-Keep");
  if (!key || !copy || answer.redirected) { if (answer.status < 500) await drop(address); return; }
  await put(address, key, copy, began);
  const also = (answer.headers.get("X-Yba-Keep-Also") || "").split(" ").filter(Boolean);
  for (const one of also) await beside(new URL(one, self.location.origin).href, key, began);
}

async function beside(address, key, began) {
  const old = await find(address);
  if (old && moment(old) > acted && Date.now() - moment(old) < AGAIN) return;
  try {
    const answer = await fetch(address, { credentials: "same-origin", headers: { "X-Yba-Background": "keep" } });
    if (answer.ok && !answer.redirected && answer.headers.get("X-Yba-Keep") === key) await put(address, key, answer, began);
    else if (answer.status < 500) await drop(address);
  } catch (problem) { /* the next page tries again */ }
}

async function put(address, key, answer, began) {
  const headers = new Headers(answer.headers), now = Date.now();
  headers.delete("Content-Encoding"); headers.delete("Content-Length");
  const text = await answer.text();
  const title = (/<title>([^<]*)<\/title>/.exec(text) || ["", ""])[1];
  headers.set("X-Yba-Kept-At", new Date(now).toISOString());
  headers.set("X-Yba-Kept-Until", new Date(now + 1000 * Number(headers.get("X-Yba-Keep-For") || 0)).toISOString());
  headers.set("X-Yba-Title", encodeURIComponent(title));
  if (began !== turn) return;
  const cache = await caches.open(KEPT + key);
  await cache.put(plain(address), new Response(text, { status: 200, headers }));
  if (began !== turn) { await caches.delete(KEPT + key); return; }
  const all = await Promise.all((await cache.keys()).map(async (one) => [one, moment(await cache.match(one, { ignoreVary: true }))]));
  all.sort((a, b) => b[1] - a[1]);
  for (const [one] of all.slice(MOST)) await cache.delete(one, { ignoreVary: true });
}

/* A kept page says on its body when it was kept; the page's own script shows it and holds its forms. */
const shown = (old) => marked(old, "data-kept-at", old.headers.get("X-Yba-Kept-At"));

async function marked(answer, name, value) {
  const text = (await answer.text()).replace("<body ", "<body " + name + '="' + value + '" ');
  return new Response(text, { status: 200, headers: answer.headers });
}

const plain = (address) => address.split("#")[0];
const moment = (answer) => (answer ? Date.parse(answer.headers.get("X-Yba-Kept-At")) || 0 : 0);
/* Whether it may still be read; one from tomorrow is of a clock that was wrong. */
const good = (answer) => Boolean(answer) && Date.now() < Date.parse(answer.headers.get("X-Yba-Kept-Until")) && moment(answer) < Date.now() + DAY;

async function mine() { return (await caches.keys()).filter((name) => name.startsWith(KEPT)); }

async function find(address) {
  for (const name of await mine()) {
    const cache = await caches.open(name), found = await cache.match(plain(address), { ignoreVary: true });
    if (good(found)) return found;
    if (found) await cache.delete(plain(address), { ignoreVary: true });
  }
  return null;
}

async function drop(address) {
  for (const name of await mine()) await (await caches.open(name)).delete(plain(address), { ignoreVary: true });
}

async function sweep() {
  for (const name of await mine()) {
    const cache = await caches.open(name);
    for (const one of await cache.keys()) if (!good(await cache.match(one, { ignoreVary: true }))) await cache.delete(one, { ignoreVary: true });
  }
}

/* `said`: the key of whoever reads now; with " none" nothing of theirs stays either. Gives how many others' went. */
async function onlyFor(said) {
  let others = 0;
  for (const name of await mine()) if (name !== KEPT + said) { others += 1; turn += 1; await caches.delete(name); }
  await sweep();
  return others;
}

async function forget(everything) {
  turn += 1;
  for (const name of await mine()) await caches.delete(name);
  if (everything) indexedDB.deleteDatabase("yba");
}
