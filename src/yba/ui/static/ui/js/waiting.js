/* What could not be sent waits: a form with data-may-wait is kept on this device, listed as not done, sent in order when
   the network is back, only under the account that wrote it. The server knows a repeated one by its key, and says itself
   what is done (yba.ui.waited). */
(function () {
  "use strict";
  const STORE = "waiting", WEEK = 7 * 86400000, PATIENCE = 6000, LONG = 30000, TRIES = 3, ROUND = 30000;
  const words = () => document.getElementById("keep-words");
  const whose = () => document.body.dataset.whose || "";
  const mayWait = () => "worker" in document.body.dataset; // a device that keeps nothing keeps no typed words either
  let count = 0, leaving = false;

  /* -- the store -------------------------------------------------------------------------------------- */
  function within(mode, act) {
    return new Promise((done, failed) => {
      const open = indexedDB.open("yba", 1);
      open.onupgradeneeded = () => open.result.createObjectStore(STORE, { keyPath: "id" });
      open.onerror = () => failed(open.error);
      open.onsuccess = () => {
        const base = open.result;
        base.onversionchange = () => base.close(); // signing out throws it away
        const work = base.transaction(STORE, mode), asked = act(work.objectStore(STORE));
        work.oncomplete = () => { base.close(); done(asked.result); };
        work.onabort = () => { base.close(); failed(work.error); };
      };
    });
  }
  const keep = (item) => within("readwrite", (store) => store.put(item));
  const drop = (id) => within("readwrite", (store) => store.delete(id));
  async function mine() {
    const all = await within("readonly", (store) => store.getAll());
    return all.filter((item) => item.key === whose()).sort((one, other) => one.at - other.at);
  }
  /* Another account has come to this device: what the one before left unsent is not theirs to see or to send. */
  async function onlyMine() {
    const all = await within("readonly", (store) => store.getAll());
    for (const item of all) if (item.key !== whose()) await drop(item.id);
  }

  /* -- asking the server; null: it was not reached ------------------------------------------------------- */
  async function reach(address, asked, patience) {
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), patience);
    const headers = Object.assign({ "X-Yba-Background": "1" }, asked.headers);
    try {
      const answer = await fetch(address, Object.assign({ credentials: "same-origin", cache: "no-store", signal: stop.signal }, asked, { headers }));
      return { status: answer.status, ok: answer.ok, json: /json/.test(answer.headers.get("Content-Type") || ""), text: await answer.text() };
    } catch (problem) { return null; } finally { clearTimeout(timer); }
  }
  /* Who is there, and a fresh token. */
  async function ask() {
    const answer = navigator.onLine ? await reach(words().dataset.whoseUrl, {}, PATIENCE) : null;
    return answer && answer.ok && answer.json ? JSON.parse(answer.text) : null;
  }

  /* -- a form that may wait --------------------------------------------------------------------------------- */
  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    if (!("mayWait" in form.dataset) || form.dataset.goes || !words() || !whose() || !mayWait() || !window.indexedDB) return;
    event.preventDefault(); event.stopImmediatePropagation();
    if (form.dataset.asking) return;
    form.dataset.asking = "1";
    const said = await ask();
    delete form.dataset.asking;
    if (said && said.whose === whose()) {
      form.elements.csrfmiddlewaretoken.value = said.token;
      form.dataset.goes = "1"; form.requestSubmit(button); delete form.dataset.goes;
    } else if (said && said.whose) location.reload();
    else {
      try { await wait(form, button); } catch (problem) { form.dataset.goes = "1"; form.requestSubmit(button); delete form.dataset.goes; return; }
      if (said) location.reload(); // nobody is signed in: the way in, and it goes from there
    }
  }, true);

  async function wait(form, button) {
    const all = Array.from(new FormData(form)).concat(button && button.name ? [[button.name, button.value]] : []);
    const fields = all.filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
    const once = fields.find(([name]) => name === "once"), action = new URL(form.action, location.href);
    const id = whose() + " " + (once ? once[1] : action.pathname);
    const page = location.pathname + location.search;
    await keep({ id, key: whose(), action: action.pathname + action.search, page, fields, what: form.dataset.mayWait, at: Date.now(), state: "waiting", said: "", url: "", tries: 0 });
    const dialog = form.closest("dialog");
    if (dialog) dialog.close();
    await show();
    const list = document.getElementById("cho-gui");
    list.scrollIntoView({ block: "nearest" }); list.focus();
  }

  /* -- the list ---------------------------------------------------------------------------------------------- */
  async function show() {
    const items = await mine(), old = document.getElementById("cho-gui");
    count = items.filter((item) => item.state === "waiting").length;
    if (!items.length) { if (old) old.remove(); return; }
    const section = old || window.yba.keptPart("waiting");
    section.querySelector("[data-list]").replaceChildren(...items.map(line));
    if (!old) {
      const main = document.getElementById("main"), bar = main.querySelector('[data-part="bar"]');
      if (bar) bar.after(section); else main.prepend(section);
    }
  }
  function line(item) {
    const row = window.yba.keptPart("item-" + item.state), link = row.querySelector("[data-link]");
    row.querySelector("[data-what]").textContent = item.what;
    const told = item.state === "refused" ? "" : window.yba.moment(item.state === "done" ? item.doneAt : item.at, item.state) + " ";
    row.querySelector("[data-said]").textContent = told + item.said;
    if (link) { if (item.url) link.href = item.url; else link.remove(); }
    row.querySelector("button").addEventListener("click", async () => { await drop(item.id); await show(); });
    return row;
  }

  /* -- sending -------------------------------------------------------------------------------------------------- */
  function send() {
    if (!whose() || !words()) return Promise.resolve(false);
    return navigator.locks ? navigator.locks.request("yba-send", { ifAvailable: true }, (held) => (held ? all() : false)) : all();
  }
  async function all() {
    let finished = false;
    for (const item of await mine()) {
      if (item.state !== "waiting") continue;
      if (Date.now() - item.at > WEEK) { await end(item, "refused", words().dataset.expired, item.page); finished = true; continue; }
      const said = await ask();
      if (!said || said.whose !== whose()) break;
      if (!(await one(item, said.token))) break;
      finished = true;
    }
    await show();
    return finished;
  }
  /* What was typed does not stay on the device once it is answered. */
  async function end(item, state, said, url) {
    const at = new URL(url || item.page, location.href);
    await keep(Object.assign(item, { state, said, doneAt: Date.now(), fields: [], url: at.origin === location.origin ? at.pathname + at.search : item.page }));
    await window.yba.dropKept(item.page);
  }

  /* True where the server has answered, so that the next may go. An answer that got lost is asked for again. */
  async function one(item, token) {
    const body = new URLSearchParams(item.fields);
    body.set("csrfmiddlewaretoken", token);
    const answer = await reach(item.action, { method: "POST", body, headers: { "X-Yba-Waited": item.key } }, LONG);
    if (!answer || answer.status >= 500 || answer.status === 423 || answer.status === 429) return false;
    if (answer.status === 403 && (item.tries += 1) < TRIES) { await keep(item); return false; }
    if (answer.json) {
      const said = JSON.parse(answer.text);
      if (said.state !== "done" && said.state !== "refused") return false; // somebody else is signed in by now
      await end(item, said.state, said.said || (said.state === "refused" ? words().dataset.notTaken : ""), said.url);
      return true;
    }
    const page = new DOMParser().parseFromString(answer.text, "text/html");
    const found = page.querySelector("#main .alert[role=alert],.error-summary,#notices .alert") || page.getElementById("main");
    const text = (found ? found.textContent : "").replace(/\s+/g, " ").trim().slice(0, 300);
    await end(item, "refused", text || words().dataset.notTaken, item.page);
    return true;
  }

  /* -- back: what waits goes, then the page is read anew ----------------------------------------------------- */
  async function back() {
    const finished = await send();
    if (finished && !window.yba.keptAt()) document.querySelectorAll("[data-live]").forEach((el) => el.dispatchEvent(new CustomEvent("yba:changed", { bubbles: false })));
    return finished;
  }
  async function anew() {
    await back();
    if (window.yba.keptAt() && !document.querySelector("dialog[open]") && await ask()) location.reload();
  }

  /* -- leaving: what waits would be lost, so it is asked first ------------------------------------------------ */
  document.addEventListener("submit", (event) => {
    if (!words() || new URL(event.target.action, location.href).pathname !== words().dataset.signOut) return;
    if (count && !leaving) {
      event.preventDefault(); event.stopImmediatePropagation();
      const dialog = document.getElementById("ra-con-cho") || window.yba.keptPart("leaving");
      document.body.append(dialog);
      dialog.querySelector("[data-leave]").onclick = () => { leaving = true; event.target.requestSubmit(); };
      dialog.showModal();
      return;
    }
    window.yba.forget();
    if (window.indexedDB) indexedDB.deleteDatabase("yba");
  }, true);

  document.addEventListener("DOMContentLoaded", async () => {
    if (!whose() || !window.indexedDB) return;
    try {
      await onlyMine();
      if (!words()) return;
      await show();
      await back();
    } catch (problem) { return; } // a private window without a store: nothing waits there
    window.addEventListener("online", anew);
    setInterval(() => { if ((count || window.yba.keptAt()) && document.visibilityState === "visible") anew(); }, ROUND);
  });
})();
