// The cover of a desk: after a while without a hand on it the page hides itself and asks who is back.
// <div data-lock="/khoa" data-lock-after="600" data-lock-present="/khoa/con-day"> with a csrf field inside.
// The page stays as it was behind the cover; the server answers a covered session nothing (423).
(function () {
  "use strict";
  const TOUCHED = "yba-touched";
  const EVENTS = ["pointerdown", "keydown", "wheel", "touchstart", "input"];

  document.addEventListener("htmx:configRequest", (event) => {
    const cause = event.detail.triggeringEvent;
    const byHand = cause && (cause.isTrusted || (cause.detail && cause.detail.byHand));
    if (!byHand) event.detail.headers["X-Yba-Background"] = "1";
  });

  const place = document.querySelector("[data-lock]");
  if (!place) return;
  const after = Number(place.dataset.lockAfter) * 1000;
  let touched = Date.now(), told = Date.now(), covered = false;

  function remember(value) { try { localStorage.setItem(TOUCHED, String(value)); } catch (e) { /* private window */ } }
  function elsewhere() { try { return Number(localStorage.getItem(TOUCHED)) || 0; } catch (e) { return 0; } }

  function touch() {
    if (covered) return;
    const now = Date.now();
    if (now - touched > 1000) remember(now);
    touched = now;
  }

  function send(url, fields) {
    const body = new URLSearchParams(fields);
    body.set("csrfmiddlewaretoken", place.querySelector("[name=csrfmiddlewaretoken]").value);
    return fetch(url, { method: "POST", body, credentials: "same-origin", redirect: "manual" });
  }

  function uncover() {
    covered = false;
    touched = told = Date.now();
    remember(touched);
    document.documentElement.classList.remove("is-covered");
    const dialog = document.getElementById("lock");
    if (dialog) { dialog.close(); dialog.remove(); }
  }

  function fill(dialog, html) {
    dialog.querySelector("[data-lock-form]").innerHTML = html;
    const secret = dialog.querySelector("[name=secret]");
    if (secret) secret.focus();
    passkey(dialog);
  }

  async function passkey(dialog) {
    const form = dialog.querySelector("form[data-passkey]");
    if (!form) return;
    if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) { form.hidden = true; return; }
    form.querySelector("[data-passkey-go]").addEventListener("click", async (event) => {
      event.preventDefault();
      try {
        const asked = JSON.parse(dialog.querySelector("#js_data").textContent).request_options.publicKey;
        const found = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
        form.elements.credential.value = JSON.stringify(found);
        answer(dialog, form);
      } catch (e) {
        const note = dialog.querySelector("[data-passkey-failed]");
        if (note) { note.hidden = false; note.focus(); }
      }
    });
  }

  async function answer(dialog, form) {
    const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" });
    if (response.status === 204) uncover();
    else if (response.status === 422) fill(dialog, await response.text());
    else location.reload();
  }

  async function cover(asked) {
    if (covered) return;
    covered = true;
    document.documentElement.classList.add("is-covered");
    document.dispatchEvent(new Event("yba:covered"));
    const dialog = document.createElement("dialog");
    dialog.id = "lock";
    dialog.className = "dialog lock";
    dialog.setAttribute("aria-labelledby", "lock-title");
    const title = document.createElement("h2");
    title.id = "lock-title";
    title.textContent = place.dataset.lockTitle;
    const inside = document.createElement("div");
    inside.setAttribute("data-lock-form", "");
    dialog.append(title, inside);
    document.body.append(dialog);
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("submit", (event) => {
      if (!event.target.matches("[data-unlock]")) return;
      event.preventDefault();
      answer(dialog, event.target);
    });
    dialog.showModal();
    try {
      if (!asked) await send(place.dataset.lock, { lock: "1" });
      const response = await fetch(place.dataset.lock + "?part=1", { credentials: "same-origin" });
      if (response.status === 204) uncover();
      else if (response.redirected || !response.ok) location.reload();
      else fill(dialog, await response.text());
    } catch (e) {
      inside.textContent = document.body.dataset.wordsFailed || "";
    }
  }

  async function look() {
    const now = Date.now(), last = Math.max(touched, elsewhere());
    if (!covered && now - last >= after) return cover(false);
    if (!covered && now - told >= 60000 && last > told) {
      told = now;
      const response = await send(place.dataset.lockPresent, {}).catch(() => null);
      if (response && response.status === 423) cover(true);
    }
  }

  EVENTS.forEach((name) => document.addEventListener(name, touch, { passive: true, capture: true }));
  document.addEventListener("yba:locked", () => cover(true));
  document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 423) cover(true); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-lock-now]")) { event.preventDefault(); cover(false); } });
  setInterval(look, 5000);
})();
