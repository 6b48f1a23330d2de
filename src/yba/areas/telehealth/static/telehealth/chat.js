// A voice note into the form's own file field: without this script a recording is chosen as a file.
(() => {
  const LONGEST = 180_000;
  const kinds = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

  function ready(form) {
    const button = form.querySelector("[data-chat-record]");
    const said = form.querySelector("[data-chat-recorded]");
    const field = form.querySelector("input[type=file]");
    const able = window.MediaRecorder && navigator.mediaDevices && window.DataTransfer;
    if (!button || !field || !able) return;
    const label = button.querySelector("span");
    let recorder = null, timer = 0;
    button.hidden = false;

    function kept(pieces, kind) {
      const bare = kind.split(";")[0];
      const end = {"audio/webm": ".webm", "audio/mp4": ".m4a", "audio/ogg": ".ogg"}[bare] || ".webm";
      const all = new DataTransfer();
      for (const one of field.files) all.items.add(one);
      all.items.add(new File(pieces, button.dataset.name + end, {type: bare}));
      field.files = all.files;
      said.textContent = said.dataset.done;
    }

    async function begin() {
      let sound;
      try {
        sound = await navigator.mediaDevices.getUserMedia({audio: true});
      } catch {
        said.textContent = said.dataset.denied;
        return;
      }
      const kind = kinds.find(one => MediaRecorder.isTypeSupported(one)) || "";
      recorder = new MediaRecorder(sound, kind ? {mimeType: kind, audioBitsPerSecond: 32000} : {});
      const pieces = [];
      recorder.addEventListener("dataavailable", event => event.data.size && pieces.push(event.data));
      recorder.addEventListener("stop", () => {
        clearTimeout(timer);
        for (const track of sound.getTracks()) track.stop();
        kept(pieces, recorder.mimeType || kind);
        recorder = null;
        label.textContent = button.dataset.off;
        button.setAttribute("aria-pressed", "false");
      });
      recorder.start();
      timer = setTimeout(() => recorder && recorder.stop(), LONGEST);
      label.textContent = button.dataset.on;
      button.setAttribute("aria-pressed", "true");
      said.textContent = said.dataset.going;
    }

    button.addEventListener("click", () => recorder ? recorder.stop() : begin());
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-chat-say]").forEach(ready));
})();
