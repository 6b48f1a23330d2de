/* Pages that this device keeps: the worker is started, a kept page says when it was kept and holds its forms,
   leaving empties what was kept. */
(function () {
  "use strict";
  const KEPT = "yba-kept-";
  const at = () => (document.body ? document.body.dataset.keptAt : "") || "";

  function moment(said, day) {
    const when = new Date(said), zone = { timeZone: "Asia/Ho_Chi_Minh" };
    const gio = new Intl.DateTimeFormat("vi-VN", Object.assign({ hour: "numeric", minute: "2-digit", hour12: false }, zone)).format(when).replace(/^0(?=\d)/, "");
    const ngay = (one) => new Intl.DateTimeFormat("vi-VN", Object.assign({ day: "2-digit", month: "2-digit", year: "numeric" }, zone)).format(one);
    const words = document.getElementById("keep-words").dataset;
    const text = ngay(when) === ngay(new Date()) ? words[day + "Today"] : words[day];
    return text.replace("{gio}", gio).replace("{ngay}", ngay(when));
  }

  async function names() {
    return "caches" in window ? (await caches.keys()).filter((name) => name.startsWith(KEPT)) : [];
  }
  async function forget() {
    const worker = navigator.serviceWorker && navigator.serviceWorker.controller;
    if (worker) worker.postMessage("forget"); // also what is on its way
    for (const name of await names()) await caches.delete(name);
  }
  async function drop(address) {
    for (const name of await names()) await (await caches.open(name)).delete(new URL(address, location.href).href, { ignoreVary: true });
  }
  document.addEventListener("yba:covered", forget);

  /* -- a kept page ------------------------------------------------------------------------------------- */
  const clone = (name) => document.getElementById("keep-words").content.querySelector('[data-part="' + name + '"]').cloneNode(true);

  function bar() {
    document.querySelectorAll("#notices > *, #toasts > *").forEach((one) => one.remove()); // said then, not now
    const line = clone("bar");
    line.querySelector("[data-moment]").textContent = moment(at(), "kept");
    const main = document.getElementById("main");
    main.prepend(line);
  }

  /* What cannot wait is not sent: its buttons say so, and why. */
  function hold() {
    const out = document.getElementById("keep-words").dataset.signOut;
    document.querySelectorAll("form").forEach((form) => {
      if ("mayWait" in form.dataset || new URL(form.action, location.href).pathname === out) return;
      const buttons = Array.from(form.elements).filter((one) => one.matches("button:not([type=button]),input[type=submit]"));
      buttons.forEach(still);
      form.addEventListener("submit", (event) => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
    });
    document.querySelectorAll("[hx-post],[hx-put],[hx-delete]").forEach((one) => { if (one.matches("button")) still(one); });
  }
  function still(button) {
    document.getElementById("kept-why").hidden = false;
    button.setAttribute("aria-disabled", "true");
    button.setAttribute("aria-describedby", "kept-why");
  }
  ["htmx:confirm", "htmx:beforeRequest"].forEach((name) => document.addEventListener(name, (event) => { if (at()) event.preventDefault(); }));

  /* -- the page without a network lists what is there to read ------------------------------------------ */
  async function list() {
    const place = document.querySelector("[data-kept-list]");
    if (!place) return;
    const found = [];
    for (const name of await names()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const answer = await cache.match(request, { ignoreVary: true }), when = answer.headers.get("X-Yba-Kept-At");
        if (Date.now() < Date.parse(answer.headers.get("X-Yba-Kept-Until"))) found.push({ url: request.url, when, title: decodeURIComponent(answer.headers.get("X-Yba-Title") || "") });
      }
    }
    found.sort((one, other) => (one.when < other.when ? 1 : -1));
    found.forEach((one) => {
      const row = clone("row"), link = row.querySelector("a"), text = document.createElement("textarea");
      text.innerHTML = one.title; // a title's letters may be written as entities; a textarea runs nothing
      link.href = one.url;
      row.querySelector("[data-title]").textContent = text.value.replace(/ · Y Bạ$/, "");
      row.querySelector("[data-when]").textContent = moment(one.when, "kept");
      place.append(row);
    });
    const left = document.querySelector("[data-left]");
    left.hidden = !("leaving" in document.body.dataset);
    document.querySelector(found.length ? "[data-kept-some]" : "[data-kept-none]").hidden = !left.hidden;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const worker = document.body.dataset.worker;
    if (worker && "serviceWorker" in navigator) navigator.serviceWorker.register(worker).catch(() => { /* a private window keeps nothing */ });
    if (at()) { bar(); hold(); }
    list();
  });
  window.yba = Object.assign(window.yba || {}, { forget, moment, keptPart: clone, keptAt: at, dropKept: drop });
})();
