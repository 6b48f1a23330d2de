// When a call goes a rung down or up: pure, from what the connection measured in the last seconds.
// A sample: {loss: 0..1, rtt: seconds, kbps: what the way out holds or null, stalled: nothing arrived at all}.
(function () {
  "use strict";
  const RUNGS = ["video", "low", "audio"];
  const NEEDS = { video: 300, low: 90, audio: 0 };  // kbit/s below which a rung cannot be kept
  const BAD = 3, GOOD = 15, DEAD = 6;               // samples, one every two seconds

  function isBad(sample, rung) {
    return sample.stalled || sample.loss > 0.1 || sample.rtt > 1.2 || (sample.kbps !== null && sample.kbps < NEEDS[rung]);
  }

  function isGood(sample, rung) {
    const above = RUNGS[RUNGS.indexOf(rung) - 1];
    return !sample.stalled && sample.loss < 0.03 && sample.rtt < 0.6 && (sample.kbps === null || sample.kbps > NEEDS[above] * 1.5);
  }

  // The rung to be on, or "broken" where even sound does not arrive. `ceiling`: the highest one the person wants.
  function next(rung, samples, ceiling) {
    const at = RUNGS.indexOf(rung), top = RUNGS.indexOf(ceiling);
    if (at < top) return ceiling;
    if (samples.length >= DEAD && samples.slice(-DEAD).every((one) => one.stalled)) return rung === "audio" ? "broken" : "audio";
    if (samples.length >= BAD && samples.slice(-BAD).every((one) => isBad(one, rung))) return RUNGS[Math.min(at + 1, RUNGS.length - 1)];
    if (at > top && samples.length >= GOOD && samples.slice(-GOOD).every((one) => isGood(one, rung))) return RUNGS[at - 1];
    return rung;
  }

  window.ybaLadder = { RUNGS, next };
})();
