"use strict";

// The pattern whose latency a camera shows: light and dark by turns, at irregular times, each told to the daemon on the
// daemon's clock. What the screen itself takes to show a change is not known here, and counts as the camera's.

const say = (text) => { document.getElementById("say").textContent = text; };

// offset is the daemon's clock less this page's, in s, by the quickest of some answers: half of its way is the error.
async function offset() {
  let best = Infinity, found = 0;
  for (let i = 0; i < 15; i++) {
    const asked = performance.now();
    const daemon = Number(await (await fetch("/clock")).text());
    const took = performance.now() - asked;
    if (took < best) [best, found] = [took, daemon - (asked + took / 2) / 1000];
  }
  return found;
}

const frame = () => new Promise(requestAnimationFrame);

async function blink() {
  const ahead = await offset();
  for (let light = 0; ; light = 1 - light) {
    await new Promise((r) => setTimeout(r, 150 + 300 * Math.random()));
    document.body.classList.toggle("light", light === 1);
    const at = await frame(); // the beginning of the frame that shows it
    const r = await fetch("/blink", { method: "POST", body: JSON.stringify({ at_s: at / 1000 + ahead, light }) });
    if (!r.ok) return say(await r.text());
    if (r.status === 200) return say(await r.text()); // enough
  }
}

blink().catch(() => say("The daemon does not answer; load this page again."));
