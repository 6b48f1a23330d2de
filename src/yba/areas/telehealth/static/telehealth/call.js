// One seat of a video visit: it asks the house where the visit stands, and once let in connects this browser with the
// others'. Marked up by telehealth/_call.html; words come with the page. Without live events it only asks a little later.
(function () {
  "use strict";
  const SOON = 900, SELDOM = 3500;                 // ms between two questions: while connecting, and else
  const SAMPLE = 2000;
  const RATES = {
    video: { maxBitrate: 900000, maxFramerate: 24, scaleResolutionDownBy: 1 },
    low: { maxBitrate: 180000, maxFramerate: 12, scaleResolutionDownBy: 3 },
  };
  const RESTARTS = 3;

  const one = (root, selector) => root.querySelector(selector);
  const hex = () => Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const lower = (a, b) => (window.ybaLadder.RUNGS.indexOf(a) > window.ybaLadder.RUNGS.indexOf(b) ? a : b);

  function call(root) {
    if (root.dataset.callOn) return;
    root.dataset.callOn = "1";
    const words = root.dataset, own = root.dataset.call, epoch = hex();
    const peers = new Map();
    const stage = one(root, "[data-call-others]"), self = one(root, "[data-call-self]"), status = one(root, "[data-call-status]");
    let after = 0, taken = false, busy = false, again = false, over = false, timer = 0, standing = null;
    let stream = null, entrance = null, joined = false, told = false, jitsi = null;
    let rung = "video", ceiling = "video", microphone = true, camera = true;
    root.callState = { peers, rung: () => rung, samples: [] };     // looked at by tests and by a curious person

    // -- asking and telling ---------------------------------------------------------------------------------

    function ask(path, body, options) {
      const headers = { "Content-Type": "application/json" };
      try { Object.assign(headers, JSON.parse(document.body.getAttribute("hx-headers") || "{}")); } catch (e) { /* no token */ }
      // While two people talk somebody is at this desk; while one only waits nobody need be.
      if (!connected()) headers["X-Yba-Background"] = "1";
      return fetch(root.dataset[path], Object.assign({ method: "POST", headers, body: JSON.stringify(body), credentials: "same-origin" }, options));
    }

    function say(text) { if (text && status.textContent !== text) status.textContent = text; }
    function connected() { return Boolean(jitsi && jitsi.others) || Array.from(peers.values()).some((peer) => peer.pc.connectionState === "connected"); }

    async function sync() {
      if (over) return;
      if (busy) { again = true; return; }
      busy = true;
      window.clearTimeout(timer);
      let pause = SELDOM;
      try {
        const body = { epoch, after, take: !taken, joined, connected: connected(), entrance: entrance === null };
        const response = await ask("callSync", body);
        if (response.status === 404) { finish(words.callGone); return; }
        if (response.status === 423) { say(words.callLocked); return; }
        if (!response.ok) throw new Error(String(response.status));
        const answer = await response.json();
        if (answer.superseded) { finish(words.callElsewhere); return; }
        taken = true;
        pause = await stand(answer);
      } catch (e) {
        say(words.callOffline);
      } finally {
        busy = false;
        if (!over) timer = window.setTimeout(sync, again ? 0 : pause);
        again = false;
      }
    }

    async function stand(answer) {
      standing = answer;
      root.dataset.callState = answer.state;
      if (answer.over) { finish(words.callOver); return SELDOM; }
      if (answer.full) { say(words.callFull); return SELDOM; }
      if (!answer.admitted) {
        say(answer.doctor ? words.callWaitingDoctor : words.callWaiting);
        return SELDOM;
      }
      root.classList.add("is-admitted");
      if (answer.entrance) entrance = answer.entrance;
      if (!entrance) return SOON;
      if (!stream && entrance.engine !== "jitsi") { say(words.callDevices); await devices(false); if (!stream) return SELDOM; }
      if (entrance.engine === "jitsi") { await frame(); return SELDOM; }
      joined = true;
      for (const seat of answer.seats) meet(seat);
      for (const key of Array.from(peers.keys())) if (!answer.seats.some((seat) => seat.key === key)) drop(key);
      for (const signal of answer.signals) { after = Math.max(after, signal.id); await hear(signal); }
      names(answer.seats);
      const there = answer.seats.filter((seat) => seat.here && seat.admitted);
      if (!there.length) say(words.callAlone);
      else if (connected()) say(words.callTogether);
      else say(words.callConnecting);
      return there.length && !connected() ? SOON : SELDOM;
    }

    function finish(text) {
      over = true;
      window.clearTimeout(timer);
      for (const key of Array.from(peers.keys())) drop(key);
      if (jitsi) { jitsi.dispose(); jitsi = null; }
      if (stream) stream.getTracks().forEach((track) => track.stop());
      root.classList.add("is-over");
      say(text);
      root.dispatchEvent(new CustomEvent("yba:call-over", { bubbles: true }));
    }

    // -- camera and microphone ------------------------------------------------------------------------------

    async function devices(byHand) {
      if (stream || !navigator.mediaDevices) { if (!navigator.mediaDevices) say(words.callNoDevices); return; }
      const wanted = ceiling === "audio" ? [{ audio: true }] : [{ audio: true, video: { width: { ideal: 640 }, height: { ideal: 360 } } }, { audio: true }];
      for (const constraints of wanted) {
        try {
          stream = await navigator.mediaDevices.getUserMedia(constraints);
          break;
        } catch (e) {
          if (e.name === "NotAllowedError") { say(words.callDenied); break; }
        }
      }
      const button = one(root, "[data-call-devices]");
      if (!stream) { if (button) button.hidden = false; if (byHand) say(words.callDenied); return; }
      if (button) button.hidden = true;
      camera = stream.getVideoTracks().length > 0;
      if (!camera) say(words.callSoundOnly);
      self.srcObject = stream;
      one(root, "[data-call-controls]").hidden = false;
      pressed();
    }

    function track(kind) {
      if (!stream) return null;
      const found = stream.getTracks().find((item) => item.kind === kind);
      return found || null;
    }

    function pressed() {
      const mic = one(root, "[data-call-microphone]"), cam = one(root, "[data-call-camera]");
      mic.setAttribute("aria-pressed", String(microphone));
      cam.setAttribute("aria-pressed", String(camera && rung !== "audio"));
      self.closest("figure").classList.toggle("has-no-picture", !camera || rung === "audio");
      root.dataset.rung = rung;
    }

    function tellOthers() { peers.forEach((peer) => send(peer, "want", { rung, microphone, camera: camera && rung !== "audio" })); }

    // -- browser to browser ---------------------------------------------------------------------------------

    function meet(seat) {
      const known = peers.get(seat.key);
      if (known && known.epoch !== seat.epoch && seat.epoch) drop(seat.key);
      if (!seat.here || !seat.admitted || !seat.epoch) return;
      if (!peers.has(seat.key) && root.dataset.callKey < seat.key) open(seat.key, seat.epoch, true);
    }

    function open(key, theirs, first) {
      const pc = new RTCPeerConnection({ iceServers: entrance.ice, iceTransportPolicy: entrance.policy });
      const peer = { key, epoch: theirs, pc, first, waiting: [], restarts: 0, wants: "video", last: null, view: view(key) };
      peers.set(key, peer);
      pc.onicecandidate = (event) => { if (event.candidate) send(peer, "candidate", event.candidate.toJSON()); };
      pc.ontrack = (event) => show(peer, event);
      pc.onconnectionstatechange = () => turned(peer);
      if (first) {
        for (const kind of ["audio", "video"]) pc.addTransceiver(track(kind) || kind, { direction: "sendrecv", streams: [stream] });
        offer(peer);
      }
      return peer;
    }

    async function offer(peer, options) {
      try {
        await peer.pc.setLocalDescription(await peer.pc.createOffer(options));
        send(peer, "description", peer.pc.localDescription.toJSON());
      } catch (e) { /* closed meanwhile */ }
    }

    async function send(peer, kind, data) {
      try {
        const response = await ask("callSignal", { to: peer.key, as: epoch, epoch: peer.epoch, body: { kind, data } });
        if (response.status === 409) sync();
      } catch (e) { /* the next question finds out */ }
    }

    async function hear(signal) {
      let peer = peers.get(signal.from);
      const isOffer = signal.kind === "description" && signal.data.type === "offer";
      if (isOffer && (!peer || peer.epoch !== signal.epoch)) {
        if (peer) drop(signal.from);
        peer = open(signal.from, signal.epoch, false);
      }
      if (!peer || peer.epoch !== signal.epoch) return;
      try {
        if (signal.kind === "description") await describe(peer, signal.data);
        else if (signal.kind === "candidate") await candidate(peer, signal.data);
        else if (signal.kind === "want") want(peer, signal.data);
        else if (signal.kind === "bye") drop(peer.key);
      } catch (e) { /* a signal of a connection that is over */ }
    }

    async function describe(peer, data) {
      const pc = peer.pc;
      await pc.setRemoteDescription(data);
      if (data.type === "offer") {
        for (const transceiver of pc.getTransceivers()) {
          transceiver.direction = "sendrecv";
          await transceiver.sender.replaceTrack(track(transceiver.receiver.track.kind));
          if (transceiver.sender.setStreams) transceiver.sender.setStreams(stream);
        }
        await pc.setLocalDescription(await pc.createAnswer());
        send(peer, "description", pc.localDescription.toJSON());
      }
      for (const item of peer.waiting.splice(0)) await pc.addIceCandidate(item).catch(() => null);
      rate(peer);
    }

    async function candidate(peer, data) {
      if (!peer.pc.remoteDescription) { peer.waiting.push(data); return; }
      await peer.pc.addIceCandidate(data);
    }

    function want(peer, data) {
      peer.wants = window.ybaLadder.RUNGS.includes(data.rung) ? data.rung : "video";
      peer.view.figure.classList.toggle("has-no-picture", data.camera === false);
      peer.view.muted.hidden = data.microphone !== false;
      rate(peer);
    }

    function turned(peer) {
      const state = peer.pc.connectionState;
      if (state === "connected") { peer.restarts = 0; tellOthers(); sync(); }
      if (state === "failed") {
        if (peer.first && peer.restarts < RESTARTS) { peer.restarts += 1; offer(peer, { iceRestart: true }); }
        else if (peer.restarts >= RESTARTS || !peer.first) trouble();
      }
      peer.view.figure.classList.toggle("is-waiting", state !== "connected");
    }

    function drop(key) {
      const peer = peers.get(key);
      if (!peer) return;
      peers.delete(key);
      peer.pc.onconnectionstatechange = peer.pc.ontrack = peer.pc.onicecandidate = null;
      peer.pc.close();
      peer.view.figure.remove();
    }

    function view(key) {
      const figure = document.createElement("figure");
      figure.className = "call-tile is-waiting";
      figure.dataset.seat = key;
      const video = document.createElement("video");
      video.autoplay = true;
      video.playsInline = true;
      const caption = document.createElement("figcaption"), name = document.createElement("span"), muted = document.createElement("span");
      muted.textContent = words.callMuted;
      muted.hidden = true;
      muted.className = "call-muted";
      caption.append(name, muted);
      figure.append(video, caption);
      stage.append(figure);
      return { figure, video, name, muted };
    }

    function names(seats) {
      for (const seat of seats) {
        const peer = peers.get(seat.key);
        if (!peer) continue;
        const role = words["callKind" + seat.kind.charAt(0).toUpperCase() + seat.kind.slice(1)];
        const text = role ? seat.name + " · " + role : seat.name;
        if (peer.view.name.textContent !== text) { peer.view.name.textContent = text; peer.view.video.setAttribute("aria-label", text); }
      }
    }

    function show(peer, event) {
      const shown = peer.view.video.srcObject || new MediaStream();
      shown.getTracks().filter((item) => item.kind === event.track.kind).forEach((item) => shown.removeTrack(item));
      shown.addTrack(event.track);
      if (!peer.view.video.srcObject) peer.view.video.srcObject = shown;
      peer.view.video.play().catch(() => { one(root, "[data-call-hear]").hidden = false; });
    }

    // -- the ladder -----------------------------------------------------------------------------------------

    async function rate(peer) {
      const sending = lower(rung, peer.wants);
      for (const transceiver of peer.pc.getTransceivers()) {
        if (!transceiver.receiver.track || transceiver.receiver.track.kind !== "video") continue;
        const wanted = sending === "audio" || !camera ? null : track("video");
        if (transceiver.sender.track !== wanted) await transceiver.sender.replaceTrack(wanted).catch(() => null);
        if (!wanted) continue;
        const parameters = transceiver.sender.getParameters();
        if (!parameters.encodings || !parameters.encodings.length) continue;
        Object.assign(parameters.encodings[0], RATES[sending]);
        await transceiver.sender.setParameters(parameters).catch(() => null);
      }
    }

    function step(to, why) {
      if (to === "broken") { trouble(); return; }
      if (to === rung) return;
      const down = lower(to, rung) === to;
      rung = to;
      root.callState.samples = [];
      peers.forEach(rate);
      tellOthers();
      pressed();
      say(to === "audio" ? words.callRungAudio : to === "low" ? words.callRungLow : words.callRungVideo);
      ask("callRung", { rung: to, why: why || (down ? "network" : "better") }).catch(() => null);
      if (jitsi) jitsi.step(to);
    }

    function trouble() {
      const place = one(root, "[data-call-trouble]");
      if (!place || place.open) return;
      place.open = true;
      say(words.callTrouble);
    }

    async function measure() {
      if (over || !joined || !peers.size) return;
      const samples = [];
      for (const peer of peers.values()) if (peer.pc.remoteDescription) samples.push(await sample(peer));
      if (!samples.length) return;
      const worst = {
        loss: Math.max(...samples.map((item) => item.loss)), rtt: Math.max(...samples.map((item) => item.rtt)),
        kbps: samples.reduce((low, item) => (item.kbps === null ? low : low === null ? item.kbps : Math.min(low, item.kbps)), null),
        stalled: samples.every((item) => item.stalled),
      };
      const kept = root.callState.samples;
      kept.push(worst);
      if (kept.length > 30) kept.shift();
      step(window.ybaLadder.next(rung, kept, ceiling));
      if (connected()) document.dispatchEvent(new Event("input"));  // a talk is a hand on the desk: its cover stays off
    }

    async function sample(peer) {
      const found = { received: 0, lost: 0, bytes: 0, loss: 0, rtt: 0, kbps: null };
      (await peer.pc.getStats()).forEach((item) => {
        if (item.type === "inbound-rtp") { found.received += item.packetsReceived || 0; found.lost += item.packetsLost || 0; }
        if (item.type === "transport") found.bytes += item.bytesReceived || 0;
        if (item.type === "remote-inbound-rtp") found.loss = Math.max(found.loss, item.fractionLost || 0);
        if (item.type === "candidate-pair" && item.nominated) {
          found.rtt = Math.max(found.rtt, item.currentRoundTripTime || 0);
          if (item.availableOutgoingBitrate) found.kbps = item.availableOutgoingBitrate / 1000;
        }
      });
      const last = peer.last || found;
      const received = found.received - last.received, lost = Math.max(0, found.lost - last.lost);
      peer.last = found;
      const arriving = received + lost ? lost / (received + lost) : 0;
      return { loss: Math.max(found.loss, arriving), rtt: found.rtt, kbps: found.kbps, stalled: last !== found && found.bytes === last.bytes };
    }

    // -- a Jitsi server instead -----------------------------------------------------------------------------

    async function frame() {
      if (jitsi) return;
      const place = one(root, "[data-call-frame]");
      jitsi = { others: false, step() {}, dispose() {} };
      try { await script(entrance.script); } catch (e) { jitsi = null; trouble(); return; }
      place.hidden = false;
      root.classList.add("has-frame");
      const api = new window.JitsiMeetExternalAPI(entrance.domain, {
        roomName: entrance.room, jwt: entrance.jwt, parentNode: place, width: "100%", height: "100%", lang: document.documentElement.lang,
        userInfo: { displayName: entrance.name },
        configOverwrite: { prejoinConfig: { enabled: false }, disableDeepLinking: true, disableInviteFunctions: true, hideConferenceSubject: true, resolution: 360,
          p2p: { enabled: true }, analytics: { disabled: true }, disableThirdPartyRequests: true },
      });
      jitsi = {
        others: false,
        step(to) { api.executeCommand("setAudioOnly", to === "audio"); if (to !== "audio") api.executeCommand("setVideoQuality", to === "low" ? 180 : 360); },
        dispose() { api.dispose(); place.hidden = true; },
      };
      const count = () => { jitsi.others = api.getNumberOfParticipants() > 1; sync(); };
      api.addListener("videoConferenceJoined", () => { joined = true; say(words.callAlone); count(); });
      api.addListener("participantJoined", count);
      api.addListener("participantLeft", count);
      api.addListener("peerConnectionFailure", () => step(rung === "video" ? "low" : "audio", "connection"));
      api.addListener("errorOccurred", (event) => { if (event.error && event.error.isFatal) trouble(); });
      api.addListener("readyToClose", () => leave());
    }

    function script(address) {
      return new Promise((resolve, reject) => {
        if (window.JitsiMeetExternalAPI) { resolve(); return; }
        const element = document.createElement("script");
        element.src = address;
        element.onload = resolve;
        element.onerror = reject;
        document.head.append(element);
      });
    }

    // -- hands ----------------------------------------------------------------------------------------------

    function leave() {
      if (!told && taken && !over) { told = true; ask("callLeave", { epoch }, { keepalive: true }).catch(() => null); }
    }

    root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.matches("[data-call-devices]")) devices(true).then(sync);
      if (button.matches("[data-call-hear]")) { root.querySelectorAll("video").forEach((video) => video.play().catch(() => null)); button.hidden = true; }
      if (button.matches("[data-call-microphone]")) { microphone = !microphone; const sound = track("audio"); if (sound) sound.enabled = microphone; pressed(); tellOthers(); say(microphone ? words.callMicOn : words.callMicOff); }
      if (button.matches("[data-call-camera]")) { if (rung === "audio") { ceiling = "video"; one(root, "[data-call-quality]").value = "video"; camera = Boolean(track("video")); step("video", "wish"); } else { camera = !camera && Boolean(track("video")); } peers.forEach(rate); pressed(); tellOthers(); say(camera ? words.callCamOn : words.callCamOff); }
      if (button.matches("[data-call-leave]")) { leave(); finish(words.callLeft); }
    });
    const quality = one(root, "[data-call-quality]");
    if (quality) quality.addEventListener("change", () => { ceiling = quality.value; root.callState.samples = []; step(ceiling, "wish"); });
    [root, ...root.querySelectorAll("[data-live]")].forEach((ear) => ear.addEventListener("yba:changed", () => sync()));
    window.addEventListener("pagehide", leave);
    window.setInterval(measure, SAMPLE);
    granted().then((yes) => { if (yes) devices(false).then(sync); else { const button = one(root, "[data-call-devices]"); if (button) button.hidden = false; } });
    sync();
  }

  async function granted() {
    try {
      const found = await Promise.all(["camera", "microphone"].map((name) => navigator.permissions.query({ name })));
      return found.every((item) => item.state === "granted");
    } catch (e) { return false; }
  }

  function begin() { document.querySelectorAll("[data-call]").forEach(call); }
  document.addEventListener("htmx:load", begin);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
