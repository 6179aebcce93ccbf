"use strict";

// The page shows what /events says and asks what its buttons say; it decides nothing. How elements are
// made stands in elements.js.

function newCamera(name) {
  const img = cameraImage(name);
  img.id = `camera-${name}`;
  const over = element("img", "over"), slider = element("input"), of = element("span");
  over.alt = "";
  over.hidden = true;
  slider.type = "range";
  slider.value = 0;
  slider.setAttribute("aria-label", `from camera ${name} to the simulated one`);
  slider.oninput = () => { over.style.opacity = slider.value / 100; over.hidden = slider.value === "0"; };
  const laid = element("label", "laid", element("span", "", "real"), slider, element("span", "", "simulated"), of);
  laid.hidden = true;
  return element("figure", "", element("div", "view", img, over), element("figcaption", "", `camera ${name}`), laid);
}

// showOverlays offers a slider for each camera over which something can be laid, and loads that anew when it is another.
function showOverlays(overlays) {
  for (const figure of $("cameras").children) {
    const [, over] = figure.firstChild.children, laid = figure.lastChild;
    const o = overlays.find((x) => figure.dataset.camera === x.camera);
    laid.hidden = !o;
    const what = o ? `${o.of} ${o.bundle ?? ""}` : "";
    if (figure.dataset.over === what) continue;
    figure.dataset.over = what;
    if (!o) { over.hidden = true; over.removeAttribute("src"); continue; }
    over.src = `/overlay/${encodeURIComponent(o.camera)}?${Date.now()}`;
    write(laid.lastChild, o.of);
  }
}

function showCameras(names) {
  keyed($("cameras"), names, (n) => n, newCamera, (figure, name) => {
    const img = figure.firstChild.firstChild;
    figure.dataset.camera = name;
    if (!img.getAttribute("src")) load(img, name);
  });
}

function showAges(ages, cameras) {
  $("age").hidden = ages.length === 0;
  const label = (a) => (cameras.includes(a.name) ? `camera ${a.name}` : a.name);
  keyed($("ages"), ages, label,
    (a) => element("div", "age", element("span", "", label(a)), newBar(false), element("span", "num")),
    (row, a) => {
      const late = a.age_s < 0 || a.age_s > a.bound_s;
      setBar(row.children[1], 0, late ? 1 : a.age_s / a.bound_s);
      row.classList.toggle("late", late);
      write(row.children[2], a.age_s < 0 ? "none yet" : `${(1000 * a.age_s).toFixed(0)} of ${(1000 * a.bound_s).toFixed(0)} ms`);
    });
}

// rgb is a colour in words that a screen reader reads as well.
const rgb = (c) => c.map((v) => v.toFixed(0)).join(" ");

function showLikeness(cameras) {
  const old = (d) => (d?.age_s > 2 ? `, ${d.age_s.toFixed(0)}\u00a0s\u00a0ago` : "");
  const rows = cameras.flatMap((c) => [
    { name: `colours of ${c.camera}`, d: c.colours, title: c.rgb ? `red, green, blue ${rgb(c.rgb)}; in the demonstrations ${rgb(c.demonstrations_rgb)}` : "" },
    { name: `features of ${c.camera}`, d: c.features, title: "Mahalanobis's distance of the frozen base's features, 1 on average in the demonstrations" }])
    .filter((r) => r.d);
  $("alike").hidden = rows.length === 0;
  keyed($("likeness"), rows, (r) => r.name,
    (r) => element("div", "age", element("span", "", r.name), newBar(false), element("span", "num")),
    (row, r) => {
      write(row.children[0], r.name + old(r.d));
      setBar(row.children[1], 0, r.d.is / r.d.bound);
      row.classList.toggle("late", r.d.is > r.d.bound);
      row.title = r.title;
      write(row.children[2], `${r.d.is.toPrecision(2)} of ${r.d.bound.toPrecision(2)}`);
    });
}

function newJoint(j) {
  return element("tr", "", element("td", "", j.name), element("td", "spare", newBar(true)), element("td", "num"),
    element("td", "", newBar(true)), element("td", "num"), element("td", "num spare"));
}

function showJoints(joints) {
  $("motion").hidden = joints.length === 0;
  keyed($("joints"), joints, (j) => j.name, newJoint, (row, j) => {
    const half = (v) => 0.5 + 0.5 * v / j.dq_max;
    const commanded = j.dq_shadow ?? j.dq_commanded; // in shadow, what would be
    setBar(row.children[1].firstChild, 0, 0, (j.q - j.q_min) / (j.q_max - j.q_min));
    write(row.children[2], j.q.toFixed(3));
    setBar(row.children[3].firstChild, 0.5, half(commanded), half(j.dq));
    write(row.children[4], commanded.toFixed(3));
    write(row.children[5], j.clamped);
  });
}

// What the staged bundle would do otherwise; the joint that differs most, by what its limit is.
function inShadow(s) {
  const d = s.shadow;
  if (!d) return "Shadow asks both bundles about the same pictures";
  const share = (j, i) => d.dq_worst_difference[i] / j.dq_max;
  const at = s.joints.reduce((best, j, i) => share(j, i) > share(s.joints[best], best) ? i : best, 0);
  const speeds = s.joints.length ? `; ${s.joints[at].name} differs by ${d.dq_mean_difference[at].toFixed(3)} rad/s, at worst ${d.dq_worst_difference[at].toFixed(3)}` : "";
  return `${d.answers} answers of both${speeds}; gripper otherwise in ${d.gripper_differs}` + (d.failures ? `; the staged bundle failed ${d.failures} times: ${d.error}` : "");
}

function showFacts(s) {
  const dropped = Object.entries(s.dropped).map(([k, n]) => `${k} ${n}`).join(", ") || "no messages";
  const facts = [["task", [s.task, s.clock].filter(Boolean).join(", ")], ["bundle", s.bundle], ["base", s.base], ["engine", s.engine],
    ["plans", s.plans], ["record", s.record], ["staged", s.staged], ["in the shadow", s.staged && inShadow(s)],
    ...s.latency.map((l) => [l.of, `${(1000 * l.latency_s).toFixed(0)} ms late, deviation ${(1000 * l.sd_s).toFixed(0)} ms, ${l.samples} samples of ${l.date}; ${l.used}`]), ["dropped", `${dropped}; ${s.overruns} ticks overran`]];
  keyed($("facts"), facts.filter(([, v]) => v), ([k]) => k, ([k]) => element("div", "", element("dt", "", k), element("dd")),
    (row, [, v]) => write(row.lastChild, v));
}

function showScore(score) {
  $("score").hidden = !score.now && !score.episodes;
  text("successes", score.successes);
  text("episodes", score.episodes);
  text("interval", score.episodes ? `95 % interval ${score.interval_95.map((v) => v.toFixed(2)).join(" to ")}` : "no episode has ended yet");
  text("now", score.now);
  text("last", score.last ? `last: ${score.last}` : "");
}

function show(s) {
  text("robot", s.robot);
  text("mode", s.mode);
  $("mode").className = `mode ${s.mode}`;
  text("why", s.why ? `${s.why}${s.remedy ? ": " + s.remedy : ""}` : "");
  $("acknowledge").hidden = s.fault === 0;
  $("acknowledge").dataset.fault = s.fault;
  showScore(s.score);
  showCameras(s.cameras);
  showOverlays(s.overlays);
  showAges(s.ages, s.cameras);
  showLikeness(s.likeness);
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
events.onerror = () => { text("mode", "no connection"); $("mode").className = "mode faulted"; text("why", ""); };
