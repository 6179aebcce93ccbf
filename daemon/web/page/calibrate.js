"use strict";

// The calibration's page shows what /calibrate/events says and asks what its buttons say; it computes nothing.

const SVG = "http://www.w3.org/2000/svg";

function shape(name, className, attributes) {
  const e = document.createElementNS(SVG, name);
  e.setAttribute("class", className);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
}

// showPicture makes the picture, and what lies over it: where corners were seen so far, and the boards of the views.
function showPicture(s) {
  const box = $("picture");
  if (!s.width) return;
  if (!box.firstChild) {
    const img = cameraImage(s.camera);
    img.id = "live";
    img.width = s.width;
    img.height = s.height;
    box.append(img, shape("svg", "", { viewBox: `0 0 ${s.width} ${s.height}`, preserveAspectRatio: "none" }));
    load(img, s.camera);
  }
  const drawn = JSON.stringify([s.cells, s.views.map((v) => [v.id, v.note])]);
  if (box.dataset.drawn === drawn) return;
  box.dataset.drawn = drawn;
  const cells = s.cells.flatMap((row, r) => row.map((n, c) => shape("rect", "cell", {
    x: c * s.width / 4, y: r * s.height / 4, width: s.width / 4, height: s.height / 4, "fill-opacity": n ? 0.16 : 0,
  })));
  const views = s.views.map((v) => shape("polygon", v.note ? "view bad" : "view", { points: v.dots.map((d) => d.join(",")).join(" ") }));
  box.lastChild.replaceChildren(...(s.kind === "lens" ? cells : []), ...views);
}

function showNow(s) {
  text("now", s.now || "waiting for pictures");
  $("now").className = s.good ? "good" : s.seen ? "" : "none";
}

function showBars(bars) {
  keyed($("bars"), bars, (b) => b.name,
    (b) => element("div", "progress", element("span", "", b.name), newBar(false), element("span", "num")),
    (row, b) => { setBar(row.children[1], 0, b.part); write(row.children[2], b.text); });
}

function list(id, lines) {
  keyed($(id), lines ?? [], (l) => l, () => element("li"), (e, l) => write(e, l));
}

function showResult(s) {
  $("result").hidden = !s.result && !s.problem;
  text("title", s.result ? s.result.title : s.problem);
  keyed($("rows"), s.result ? s.result.rows : [], (r) => r.name,
    (r) => element("tr", "", element("td", "", r.name), element("td", "num"), element("td")),
    (row, r) => { write(row.children[1], r.value); write(row.children[2], r.spread); });
  list("outliers", s.result?.left);
  list("more", s.result?.more);
}

function newView(v) {
  const drop = element("button", "", "drop");
  drop.addEventListener("click", () => ask(`/calibrate/drop?view=${v.id}`, `drop view ${v.id}`));
  return element("tr", "", element("td", "", String(v.id)), element("td", "num"), element("td", "num"), element("td", "num"), element("td", "", drop));
}

function showViews(views) {
  keyed($("views"), views, (v) => v.id, newView, (row, v) => {
    row.classList.toggle("bad", v.note !== "");
    row.title = v.note;
    write(row.children[1], `${v.tilt_deg.toFixed(0)}°`);
    write(row.children[2], `${v.distance_m.toFixed(2)} m`);
    write(row.children[3], v.note ? "left out" : v.error);
  });
}

function modeOf(s) {
  if (s.saved) return "saved";
  if (s.result) return "solved";
  return s.collecting ? "collecting" : "paused";
}

function showArm(arm) {
  $("arm").hidden = !arm;
  if (!arm) return;
  text("why", `arm ${arm.mode}${arm.why ? ": " + arm.why : ""}`);
  text("drive", arm.drive);
  $("acknowledge").hidden = !arm.fault;
  $("acknowledge").dataset.fault = arm.fault;
}

function show(s) {
  text("what", s.what);
  text("mode", modeOf(s));
  $("mode").className = `mode ${modeOf(s)}`;
  showPicture(s);
  showNow(s);
  showBars(s.bars);
  list("missing", s.missing);
  text("left", s.left.length ? "pictures left out: " + s.left.map((l) => `${l.what} ${l.n}`).join(", ") : "");
  showArm(s.arm);
  showResult(s);
  showViews(s.views);
  if (s.saved) text("answer", `saved: ${s.saved}`);
}

async function ask(path, what) {
  text("answer", `${what} ...`);
  try {
    const r = await fetch(path, { method: "POST" });
    text("answer", r.ok ? `${what}: done` : await r.text());
  } catch (e) {
    text("answer", `${what}: the daemon does not answer`);
  }
}

for (const b of document.querySelectorAll("[data-ask]")) b.addEventListener("click", () => ask(`/calibrate/${b.dataset.ask}`, b.dataset.ask));
for (const b of document.querySelectorAll("[data-request]")) b.addEventListener("click", () => {
  const fault = b.dataset.fault ? `?fault=${b.dataset.fault}` : "";
  ask(`/request/${b.dataset.request}${fault}`, b.dataset.request);
});

const events = new EventSource("/calibrate/events");
events.onmessage = (e) => show(JSON.parse(e.data));
events.onerror = () => { text("mode", "no connection"); $("mode").className = "mode faulted"; };
