"use strict";

// The page shows what /events says and asks what its buttons say; it decides nothing.

const $ = (id) => document.getElementById(id);
const text = (id, value) => { $(id).textContent = value; };

function element(name, className, content) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (content !== undefined) e.textContent = content;
  return e;
}

// bar fills from one fraction of its width to another; marks are thin lines.
function bar(from, to, className, mark) {
  const b = element("div", "bar");
  const lo = Math.max(0, Math.min(from, to)), hi = Math.min(1, Math.max(from, to));
  const fill = element("i", className);
  fill.style.left = `${100 * lo}%`;
  fill.style.width = `${100 * Math.max(0, hi - lo)}%`;
  b.append(fill);
  if (mark !== undefined) {
    const m = element("i", "mark");
    m.style.left = `calc(${100 * Math.max(0, Math.min(1, mark))}% - 1px)`;
    b.append(m);
  }
  return b;
}

function showCameras(names) {
  const box = $("cameras");
  if (box.dataset.names === names.join()) return;
  box.dataset.names = names.join();
  box.replaceChildren(...names.map((name) => {
    const figure = element("figure");
    const img = element("img");
    img.alt = `camera ${name}`;
    img.id = `camera-${name}`;
    // A stream that ended (the daemon restarted) is asked for again.
    const load = () => { img.src = `/camera/${encodeURIComponent(name)}?${Date.now()}`; };
    img.onerror = () => setTimeout(load, 1000);
    load();
    figure.append(img, element("figcaption", "", `camera ${name}`));
    return figure;
  }));
}

function showAges(ages) {
  $("ages").replaceChildren(...ages.map((a) => {
    const row = element("div", "age");
    const none = a.age_s < 0;
    row.append(
      element("span", "", a.name),
      bar(0, none ? 1 : a.age_s / a.bound_s, none || a.age_s > a.bound_s ? "late" : ""),
      element("span", "num", none ? "none yet" : `${(1000 * a.age_s).toFixed(0)} ms`));
    return row;
  }));
}

function showJoints(joints) {
  $("joints").replaceChildren(...joints.map((j) => {
    const tr = element("tr");
    const cell = (className, content) => { const td = element("td", className, content); tr.append(td); return td; };
    cell("", j.name);
    const at = (j.q - j.q_min) / (j.q_max - j.q_min);
    cell("").append(bar(0, 0, "", at));
    cell("num", j.q.toFixed(3));
    const half = (v) => 0.5 + 0.5 * v / j.dq_max;
    cell("").append(bar(0.5, half(j.dq_commanded), "", half(j.dq)));
    cell("num", j.dq_commanded.toFixed(3));
    cell("num", String(j.clamped));
    return tr;
  }));
}

function showFacts(s) {
  const facts = { task: s.task, clock: s.clock, bundle: s.bundle, base: s.base, engine: s.engine,
    dropped: Object.entries(s.dropped).map(([k, n]) => `${k} ${n}`).join(", ") || "no messages",
    overruns: `${s.overruns} ticks` };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([k, v]) => [element("dt", "", k), element("dd", "", v)]));
}

function show(s) {
  text("robot", s.robot);
  text("mode", s.mode);
  $("mode").className = `mode ${s.mode}`;
  text("why", s.why ? `${s.why}${s.remedy ? ": " + s.remedy : ""}` : "");
  text("successes", s.score.successes);
  text("episodes", s.score.episodes);
  text("interval", s.score.episodes ? `95 % interval ${s.score.interval_95.map((v) => v.toFixed(2)).join(" to ")}` : "");
  text("now", s.score.now);
  text("last", s.score.last);
  $("acknowledge").hidden = s.fault === 0;
  $("acknowledge").dataset.fault = s.fault;
  showCameras(s.cameras);
  showAges(s.ages);
  showJoints(s.joints);
  showFacts(s);
}

async function ask(button) {
  const fault = button.dataset.fault ? `?fault=${button.dataset.fault}` : "";
  try {
    const r = await fetch(`/request/${button.dataset.ask}${fault}`, { method: "POST" });
    text("answer", r.ok ? `${button.dataset.ask}: done` : await r.text());
  } catch (e) {
    text("answer", `${button.dataset.ask}: the daemon does not answer`);
  }
}

for (const b of document.querySelectorAll("[data-ask]")) b.addEventListener("click", () => ask(b));

const events = new EventSource("/events");
events.onmessage = (e) => show(JSON.parse(e.data));
events.onerror = () => { text("mode", "no connection"); $("mode").className = "mode faulted"; };
