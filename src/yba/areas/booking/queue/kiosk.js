/* The kiosk: on-screen keys, the camera, printing, and back to the start when nobody is there. Forms work without it. */
(function () {
  "use strict";
  const one = (what) => document.querySelector(what);
  const input = () => (document.activeElement && document.activeElement.matches("input.kiosk-input") ? document.activeElement : one("input.kiosk-input"));

  /* -- keys ---------------------------------------------------------------------------------------- */
  let last = null;
  document.addEventListener("focusin", (event) => { if (event.target.matches("input.kiosk-input")) last = event.target; });
  document.addEventListener("click", (event) => {
    const key = event.target.closest("[data-sign]");
    if (!key) return;
    const field = last || input();
    if (!field) return;
    field.value = key.dataset.sign === "back" ? field.value.slice(0, -1) : field.value + key.dataset.sign;
    field.focus();
  });

  /* -- idle ---------------------------------------------------------------------------------------- */
  const where = one("[data-idle]"), idle = Number(where ? where.dataset.idle : 0);
  if (idle) {
    let timer = null;
    const again = () => { clearTimeout(timer); timer = setTimeout(() => location.replace(where.dataset.idleTo), idle * 1000); };
    ["pointerdown", "keydown", "input"].forEach((name) => document.addEventListener(name, again));
    again();
  }
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.replace(where ? where.dataset.idleTo : location.href); });

  /* -- paper: once for each number --------------------------------------------------------------------- */
  const paper = one("[data-print-once]");
  if (paper && sessionStorage.getItem("printed") !== paper.dataset.printOnce) {
    sessionStorage.setItem("printed", paper.dataset.printOnce);
    window.addEventListener("load", () => window.print());
  }

  /* -- camera: a frame now and then is read by the house; nothing is kept ---------------------------------- */
  const button = one("[data-camera]");
  if (!button || !navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) return;
  button.hidden = false;
  const box = one("#camera"), video = one("#camera video"), said = one("#camera [role=status]");
  let stream = null, reading = false;
  const close = () => { if (stream) stream.getTracks().forEach((track) => track.stop()); stream = null; box.hidden = true; button.setAttribute("aria-expanded", "false"); };
  async function read() {
    if (!stream || reading || !video.videoWidth) return;
    reading = true;
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, 1280 / video.videoWidth);
    canvas.width = video.videoWidth * scale; canvas.height = video.videoHeight * scale;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
      const answer = await fetch(button.dataset.camera, { method: "POST", body: blob, headers: { "Content-Type": "image/jpeg", "X-CSRFToken": one("[name=csrfmiddlewaretoken]").value } });
      const text = answer.ok ? (await answer.json()).text : "";
      if (text && stream) { close(); one("#q").value = text; one("#q").form.requestSubmit(); }
    } catch (_error) { /* the next frame asks again */ }
    reading = false;
  }
  button.addEventListener("click", async () => {
    if (stream) { close(); return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
    } catch (_error) { said.textContent = said.dataset.none; box.hidden = false; video.hidden = true; return; }
    video.hidden = false; video.srcObject = stream; await video.play();
    box.hidden = false; button.setAttribute("aria-expanded", "true");
    const tick = setInterval(() => { if (stream) read(); else clearInterval(tick); }, 400);
    setTimeout(() => { if (stream) close(); }, 60000);
  });
})();
