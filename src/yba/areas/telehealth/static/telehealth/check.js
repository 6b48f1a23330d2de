// Trying the device before a visit: browser, camera, microphone, loudspeaker. Nothing leaves the page.
(function () {
  "use strict";
  const root = document.querySelector("[data-check]");
  if (!root) return;
  const one = (selector) => root.querySelector(selector);
  const picture = one("[data-check-picture]"), level = one("[data-check-level]");
  let stream = null;

  function say(line, good) {
    const place = one(`[data-check-line="${line}"]`);
    place.querySelector("[data-check-said]").textContent = good === null ? root.dataset.checkWait : good ? root.dataset.checkGood : root.dataset.checkBad;
    const help = place.querySelector("[data-check-help]");
    if (help) help.hidden = good !== false;
  }

  function browser() {
    const inside = /Zalo|FBAN|FBAV|FB_IAB|Instagram|; wv\)/.test(navigator.userAgent);
    return Boolean(window.RTCPeerConnection && navigator.mediaDevices && navigator.mediaDevices.getUserMedia) && !inside;
  }

  async function start() {
    say("browser", browser());
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    for (const wanted of [{ audio: true, video: true }, { audio: true }, { video: true }]) {
      try { stream = await navigator.mediaDevices.getUserMedia(wanted); break; } catch (e) { /* the next wish is smaller */ }
    }
    const camera = Boolean(stream && stream.getVideoTracks().length), sound = Boolean(stream && stream.getAudioTracks().length);
    say("camera", camera);
    picture.classList.toggle("is-off", !camera);
    if (camera) picture.srcObject = stream;
    if (sound) listen(); else say("microphone", false);
  }

  function listen() {
    const context = new AudioContext(), ear = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(ear);
    const heard = new Uint8Array(ear.fftSize), began = Date.now();
    let loud = false;
    const timer = window.setInterval(() => {
      ear.getByteTimeDomainData(heard);
      const most = Math.max(...Array.from(heard, (value) => Math.abs(value - 128)));
      level.value = Math.min(100, most * 2);
      if (!loud && most > 4) { loud = true; say("microphone", true); }
      if (!loud && Date.now() - began > 8000) say("microphone", false);
      if (!stream || !stream.active) { window.clearInterval(timer); context.close(); }
    }, 150);
  }

  function tone() {
    const context = new AudioContext(), voice = context.createOscillator(), volume = context.createGain();
    volume.gain.value = 0.15;
    voice.frequency.value = 660;
    voice.connect(volume).connect(context.destination);
    voice.start();
    voice.stop(context.currentTime + 0.7);
    one("[data-check-heard]").hidden = false;
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.matches("[data-check-start]")) start();
    if (button.matches("[data-check-tone]")) tone();
    if (button.matches("[data-check-yes]")) say("sound", true);
    if (button.matches("[data-check-no]")) say("sound", false);
  });
  say("browser", browser());
})();
