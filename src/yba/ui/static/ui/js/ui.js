/* Y Bạ: what pages do beyond htmx. No inline script, no eval; every page works without it where the task allows. */
(function () {
  "use strict";
  const one = (where, what) => where.querySelector(what);
  const all = (where, what) => Array.from(where.querySelectorAll(what));
  const say = (name) => document.body.dataset["words" + name] || "";
  const shown = (el) => el.getClientRects().length > 0;
  const year = 31536000;

  /* -- theme and large text: the link works without a script; with one it switches in place -------- */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-text-switch]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.closest(".spine")) return;
    event.preventDefault();
    const large = document.documentElement.dataset.text === "large";
    if (large) delete document.documentElement.dataset.text;
    else document.documentElement.dataset.text = "large";
    document.cookie = "yba_text=" + (large ? "normal" : "large") + ";path=/;max-age=" + year + ";samesite=lax";
  });

  /* -- keys ---------------------------------------------------------------------------------------- */
  const typing = (el) => el && (el.isContentEditable || /^(TEXTAREA|SELECT)$/.test(el.tagName) ||
    (el.tagName === "INPUT" && !/^(radio|checkbox|button|submit)$/.test(el.type)));
  const scope = () => one(document, "dialog[open]") || document;
  const press = (el) => {
    if (typing(el)) { el.focus(); if (el.select) el.select(); }
    else if (el.getAttribute("aria-disabled") === "true") el.focus();
    else el.click();
  };
  const keyed = (name) => all(scope(), "[data-key]").find((el) => el.dataset.key.toLowerCase() === name.toLowerCase() && shown(el));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (/^F\d+$/.test(event.key) && bare) {
      const el = keyed(event.key);
      if (el) { event.preventDefault(); press(el); }
    } else if (event.altKey && !event.ctrlKey && /^Digit[1-9]$/.test(event.code)) {
      const el = one(scope(), '[data-part="' + event.code.slice(5) + '"]');
      if (el) { event.preventDefault(); el.scrollIntoView({ block: "nearest" }); (el.matches("input,textarea,select,button,a,[tabindex]") ? el : one(el, "input,textarea,select,button,a") || el).focus(); }
    } else if (bare && !typing(event.target)) {
      if (event.key === "/") {
        const el = all(scope(), "[data-find]").find(shown);
        if (el) { event.preventDefault(); press(el); }
      } else if (event.key === "?") { event.preventDefault(); listKeys(); }
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") moveRow(event);
      else if (event.key === "Enter" && event.target.matches("[data-row]")) { const link = one(event.target, "a,button"); if (link) { event.preventDefault(); link.click(); } }
      else if (event.key.length === 1) {
        const near = event.target.closest("[data-keys]") || one(document, ".alert[data-keys]");
        const el = near && all(near, "[data-key]").find((x) => x.dataset.key.toLowerCase() === event.key.toLowerCase() && shown(x));
        if (el) { event.preventDefault(); press(el); }
      }
    }
  });

  function rowsOf() { return all(scope(), "[data-row]").filter(shown); }
  function moveRow(event) {
    const rows = rowsOf();
    if (!rows.length || event.target.closest(".pane-scroll, .table-wrap") === event.target && !rows.some((r) => event.target.contains(r))) return;
    if (event.target !== document.body && !event.target.closest("[data-row]") && !event.target.matches(".pane-scroll, .table-wrap, main")) return;
    const at = rows.indexOf(event.target.closest("[data-row]"));
    const next = rows[event.key === "ArrowDown" ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0)];
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  function prepareRows(where) { all(where, "[data-row]:not([tabindex])").forEach((row) => row.setAttribute("tabindex", "-1")); }

  function listKeys() {
    let dialog = document.getElementById("all-keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "dialog"; dialog.id = "all-keys"; dialog.setAttribute("aria-labelledby", "all-keys-title");
      document.body.append(dialog);
    }
    const body = document.createElement("div"); body.className = "dialog-body";
    const title = document.createElement("h2"); title.id = "all-keys-title"; title.textContent = say("Keys");
    const list = document.createElement("dl"); list.className = "key-list";
    const add = (keys, words) => {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      keys.forEach((k) => { const cap = document.createElement("kbd"); cap.textContent = k; dt.append(cap, " "); });
      dd.textContent = words; list.append(dt, dd);
    };
    const seen = new Set();
    all(document, ".keys > span").forEach((hint) => {
      const caps = all(hint, "kbd").map((k) => k.textContent);
      if (!caps.length || caps[0] === "?") return;
      const copy = hint.cloneNode(true); all(copy, "kbd").forEach((k) => k.remove());
      seen.add(caps.join(" ")); add(caps, copy.textContent.replace(/\s+/g, " ").trim());
    });
    all(document, "[data-key]").forEach((el) => {
      if (seen.has(el.dataset.key) || !shown(el)) return;
      const copy = el.cloneNode(true); all(copy, "kbd,svg").forEach((k) => k.remove());
      seen.add(el.dataset.key); add([el.dataset.key], (copy.textContent || el.getAttribute("aria-label") || "").trim());
    });
    body.append(title, list);
    const foot = document.createElement("div"); foot.className = "dialog-acts";
    const close = document.createElement("button"); close.className = "button"; close.type = "button"; close.dataset.closes = ""; close.textContent = say("Close");
    foot.append(close);
    dialog.replaceChildren(body, foot);
    if (!dialog.open) dialog.showModal();
  }

  /* -- dialogs, print, copy --------------------------------------------------------------------------- */
  document.addEventListener("click", (event) => {
    const el = event.target.closest("[data-opens],[data-closes],[data-print],[data-copy],[data-all-keys],[aria-disabled='true']");
    if (!el) return;
    if (el.getAttribute("aria-disabled") === "true") { event.preventDefault(); event.stopPropagation(); return; }
    if ("opens" in el.dataset) {
      const dialog = document.getElementById(el.dataset.opens);
      if (dialog && dialog.showModal) { event.preventDefault(); dialog.showModal(); }
    } else if ("closes" in el.dataset) { const dialog = el.closest("dialog"); if (dialog) { event.preventDefault(); dialog.close(); } }
    else if ("print" in el.dataset) window.print();
    else if ("allKeys" in el.dataset) listKeys();
    else if ("copy" in el.dataset && navigator.clipboard) navigator.clipboard.writeText(el.dataset.copy).then(() => toast(say("Copied")));
  }, true);

  /* -- toasts -------------------------------------------------------------------------------------- */
  function toast(text) {
    const place = document.getElementById("toasts");
    if (!place) return;
    const line = document.createElement("div"); line.className = "toast"; line.setAttribute("role", "status"); line.textContent = text;
    place.append(line); leave(line);
  }
  function leave(line) {
    if (line.dataset.leaving) return;
    line.dataset.leaving = "1";
    const go = () => { if (line.contains(document.activeElement) || line.matches(":hover")) setTimeout(go, 2000); else line.remove(); };
    setTimeout(go, 6000);
  }

  /* -- double submit --------------------------------------------------------------------------------- */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "get" || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    setTimeout(() => { delete form.dataset.sent; if (event.submitter) event.submitter.removeAttribute("aria-busy"); }, 8000);
  });
  window.addEventListener("pageshow", () => all(document, "form[data-sent]").forEach((form) => {
    delete form.dataset.sent; all(form, "[aria-busy]").forEach((el) => el.removeAttribute("aria-busy"));
  }));
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && "submitOnChange" in form.dataset) form.requestSubmit();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const el = event.detail.elt;
    if (event.detail.verb !== "get" && el.getAttribute("aria-busy") === "true") event.preventDefault();
  });
  document.addEventListener("htmx:beforeRequest", (event) => event.detail.elt.setAttribute("aria-busy", "true"));
  document.addEventListener("htmx:afterRequest", (event) => event.detail.elt.removeAttribute("aria-busy"));
  ["htmx:sendError", "htmx:responseError"].forEach((name) => document.addEventListener(name, (event) => {
    if (event.detail.requestConfig && event.detail.requestConfig.triggeringEvent && event.detail.requestConfig.triggeringEvent.type === "yba:changed") return;
    toast(say("Failed"));
  }));

  /* -- masks: format as one types; what people type otherwise stays ---------------------------------- */
  const digits = (text) => text.replace(/\D/g, "");
  const pad = (n) => (n.length === 1 ? "0" + n : n);
  const masks = {
    date(text, done, input) {
      if (/^\d{8}$/.test(text)) return text.slice(0, 2) + "/" + text.slice(2, 4) + "/" + text.slice(4);
      if (!done) return text;
      const p = text.trim().split(/[\s/.\-]+/);
      if (p.length === 1 && /^\d{6}$/.test(p[0])) p.splice(0, 1, p[0].slice(0, 2), p[0].slice(2, 4), p[0].slice(4));
      if (p.length !== 3 || p.some((x) => !/^\d+$/.test(x))) return text;
      if (p[2].length === 2) p[2] = String((Number(p[2]) + 2000 > new Date().getFullYear() ? 1900 : 2000) + Number(p[2]));
      return p[2].length === 4 && p[0].length <= 2 ? pad(p[0]) + "/" + pad(p[1]) + "/" + p[2] : text;
    },
    phone(text, done) {
      if (done && /^\s*(\+84|84(?=\d{9}$))/.test(text.replace(/[\s.]/g, ""))) text = "0" + digits(text).slice(2);
      if (/[^\d\s.\-]/.test(text)) return text;
      const d = digits(text);
      return d.length < 5 ? d : d.length <= 7 ? d.slice(0, 4) + " " + d.slice(4) : d.slice(0, 4) + " " + d.slice(4, 7) + " " + d.slice(7);
    },
    citizen(text) { return /[^\d\s.\-]/.test(text) ? text : digits(text).replace(/(\d{3})(?=\d)/g, "$1 "); },
    card(text) {
      const c = text.toUpperCase().replace(/[^0-9A-Z]/g, "");
      if (!/^[A-Z]{2}/.test(c)) return c;
      return [c.slice(0, 2), c.slice(2, 3), c.slice(3, 5), c.slice(5)].filter(Boolean).join(" ");
    },
    money(text) { return /[^\d\s.,đ]/.test(text) ? text : digits(text).replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+(?!\d))/g, "."); },
  };
  function mask(input, done) {
    const make = masks[input.dataset.mask];
    if (!make) return;
    const before = input.value, at = input.selectionStart;
    const after = make(before, done, input);
    if (after === before) return;
    const kept = before.slice(0, at === null ? before.length : at).replace(/[^0-9A-Za-z]/g, "").length;
    input.value = after;
    if (document.activeElement !== input || at === null) return;
    let place = 0, count = 0;
    while (place < after.length && count < kept) { if (/[0-9A-Za-z]/.test(after[place])) count += 1; place += 1; }
    if (at === before.length) place = after.length;
    input.setSelectionRange(place, place);
  }
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (input.dataset && input.dataset.mask && !event.isComposing && !/^delete/.test(event.inputType || "")) mask(input, false);
  });
  document.addEventListener("focusout", (event) => { if (event.target.dataset && event.target.dataset.mask) mask(event.target, true); });

  /* -- search as one types ---------------------------------------------------------------------------- */
  const combo = (input) => {
    const box = input.closest("[data-combo]");
    return { box, input, list: one(box, "[role=listbox]"), value: one(box, "[data-combo-value]"), status: one(box, "[data-combo-status]") };
  };
  const close = (c) => { c.list.hidden = true; c.input.setAttribute("aria-expanded", "false"); c.input.removeAttribute("aria-activedescendant"); };
  const choices = (c) => all(c.list, "[role=option]");
  function mark(c, option) {
    choices(c).forEach((x) => x.setAttribute("aria-selected", String(x === option)));
    if (!option) { c.input.removeAttribute("aria-activedescendant"); return; }
    c.input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }
  function choose(c, option) {
    c.value.value = option.dataset.value; c.input.value = option.dataset.text; close(c);
    c.value.dispatchEvent(new Event("change", { bubbles: true }));
    c.value.dispatchEvent(new CustomEvent("yba:chosen", { bubbles: true, detail: { value: option.dataset.value, text: option.dataset.text, data: Object.assign({}, option.dataset) } }));
  }
  const timers = new WeakMap();
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (!input.matches || !input.matches("[role=combobox]")) return;
    const c = combo(input);
    c.value.value = "";
    clearTimeout(timers.get(input));
    if (!input.value.trim()) { close(c); return; }
    timers.set(input, setTimeout(() => htmx.trigger(input, "yba:search"), 180));
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const input = event.detail.elt;
    if (input.matches("[role=combobox]")) event.detail.parameters.q = input.value;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const list = event.detail.target;
    if (!list || !list.matches || !list.matches("[data-combo] [role=listbox]")) return;
    const c = combo(one(list.closest("[data-combo]"), "[role=combobox]"));
    if (document.activeElement !== c.input) return;
    const found = choices(c);
    list.hidden = !list.children.length;
    c.input.setAttribute("aria-expanded", String(found.length > 0));
    c.status.textContent = found.length + " " + say("Answers");
    mark(c, found[0] || null);
  });
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches || !input.matches("[role=combobox]") || event.isComposing) return;
    const c = combo(input), found = choices(c), at = found.findIndex((x) => x.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (c.list.hidden) { if (found.length) { c.list.hidden = false; input.setAttribute("aria-expanded", "true"); mark(c, found[0]); } else if (input.value.trim()) htmx.trigger(input, "yba:search"); return; }
      mark(c, found[(at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length]);
    } else if (event.key === "Enter" && !c.list.hidden && at >= 0) { event.preventDefault(); choose(c, found[at]); }
    else if (event.key === "Escape" && !c.list.hidden) { event.preventDefault(); event.stopPropagation(); close(c); }
    else if (event.key === "Tab" && !c.list.hidden) close(c);
  });
  document.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[data-combo] [role=option]");
    if (option) { event.preventDefault(); choose(combo(one(option.closest("[data-combo]"), "[role=combobox]")), option); }
  });
  document.addEventListener("focusout", (event) => { if (event.target.matches && event.target.matches("[role=combobox]")) close(combo(event.target)); });

  /* -- live: "topic X changed"; the element fetches its own part ---------------------------------------- */
  const topicOf = (token) => token.split(":").slice(0, -2).join(":"); // behind the topic: the time and the signature
  let stream = null, listening = "", poll = null, wait = 5000;
  const liveOnes = () => all(document, "[data-live]");
  const tell = (el) => { if (document.visibilityState !== "hidden" || document.body.classList.contains("wall")) el.dispatchEvent(new CustomEvent("yba:changed", { bubbles: false })); };
  function polling(on) {
    clearTimeout(poll); poll = null;
    if (!on) { wait = 5000; return; }
    poll = setTimeout(() => { liveOnes().forEach(tell); wait = Math.min(wait + 2500, 15000); polling(true); }, wait);
  }
  function listen() {
    const tokens = Array.from(new Set(liveOnes().map((el) => el.dataset.live))).sort();
    const meta = one(document, 'meta[name="yba-live"]');
    const key = tokens.join("\n");
    if (key === listening) return;
    listening = key;
    if (stream) { stream.close(); stream = null; }
    polling(false);
    if (!tokens.length) return;
    if (!meta || !window.EventSource) { polling(true); return; }
    const address = new URL(meta.content, location.href);
    tokens.forEach((token) => address.searchParams.append("t", token));
    stream = new EventSource(address);
    stream.addEventListener("open", () => { if (poll) liveOnes().forEach(tell); polling(false); });
    stream.addEventListener("changed", (event) => liveOnes().filter((el) => topicOf(el.dataset.live) === event.data).forEach(tell));
    stream.addEventListener("error", () => {
      if (!poll) polling(true);
      if (stream && stream.readyState === EventSource.CLOSED) { stream = null; setTimeout(() => { if (!stream) { listening = ""; polling(true); listen(); } }, 10000); }
    });
  }
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") liveOnes().forEach(tell); });

  /* -- the wall speaks: one call after another, each id once ---------------------------------------------- */
  const spoken = new Set(), queue = [];
  let speaking = false, voice = false;
  function speakNext() {
    if (speaking || !voice || !queue.length || !window.speechSynthesis) return;
    const words = new SpeechSynthesisUtterance(queue.shift());
    words.lang = "vi-VN"; words.rate = 0.9;
    const mine = speechSynthesis.getVoices().find((v) => /^vi/i.test(v.lang));
    if (mine) words.voice = mine;
    speaking = true;
    const after = () => { if (!speaking) return; speaking = false; setTimeout(speakNext, 700); };
    words.onend = after; words.onerror = after;
    setTimeout(after, 15000);
    speechSynthesis.speak(words);
  }
  function hear(where, silent) {
    all(where, "[data-speak]").forEach((el) => {
      const id = el.dataset.speakId || el.dataset.speak;
      if (spoken.has(id)) return;
      spoken.add(id);
      if (!silent) { queue.push(el.dataset.speak); speakNext(); }
    });
  }
  document.addEventListener("click", (event) => {
    const el = event.target.closest("[data-voice]");
    if (!el) return;
    voice = true; el.setAttribute("aria-pressed", "true"); speakNext();
  });
  const clock = one(document, "[data-clock]");
  if (clock) setInterval(() => { clock.textContent = new Intl.DateTimeFormat("vi-VN", { hour: "numeric", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" }).format(new Date()).replace(/^0(?=\d)/, ""); }, 5000);

  /* -- whatever arrives, first or later ----------------------------------------------------------------------- */
  function settle(where) {
    prepareRows(where);
    all(where, ".toasts:not(.is-inline) > .toast").forEach(leave);
    const summary = one(where, ".error-summary");
    if (summary) summary.focus();
    listen();
  }
  document.addEventListener("DOMContentLoaded", () => { settle(document); hear(document, true); });
  document.addEventListener("htmx:afterSettle", (event) => { settle(event.detail.elt.parentNode || document); hear(document, false); });
})();
