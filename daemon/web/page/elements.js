"use strict";

// What all pages do with elements: made once and then changed, for the machine that draws them may be the one that
// runs the policy.

const $ = (id) => document.getElementById(id);

function write(e, value) {
  const text = String(value);
  if (e.textContent !== text) e.textContent = text;
}
const text = (id, value) => write($(id), value);

function element(name, className, ...inside) {
  const e = document.createElement(name);
  if (className) e.className = className;
  e.append(...inside);
  return e;
}

// keyed makes an element for each name, anew only when the names change, and hands it to update with its item.
function keyed(box, items, name, make, update) {
  const names = items.map(name).join("\n");
  if (box.dataset.names !== names) {
    box.dataset.names = names;
    box.replaceChildren(...items.map(make));
  }
  items.forEach((item, i) => update(box.children[i], item));
}

const within = (v) => 100 * Math.max(0, Math.min(1, v));

// setBar fills a bar from one fraction of its width to another and puts its mark, if any, at a third.
function setBar(bar, from, to, mark) {
  const lo = within(Math.min(from, to)), hi = within(Math.max(from, to));
  bar.children[0].style.left = `${lo.toFixed(1)}%`;
  bar.children[0].style.width = `${(hi - lo).toFixed(1)}%`;
  if (mark !== undefined) bar.children[1].style.left = `calc(${within(mark).toFixed(1)}% - 1px)`;
}
const newBar = (marked) => element("div", "bar", element("i"), ...(marked ? [element("i", "mark")] : []));

// cameraImage shows a camera's pictures once load has begun to.
function cameraImage(name) {
  const img = element("img");
  img.alt = `camera ${name}`;
  // A stream that ended (the daemon restarted) is asked for again.
  img.onerror = () => setTimeout(() => load(img, name), 1000);
  return img;
}

function load(img, name) { img.src = `/camera/${encodeURIComponent(name)}?${Date.now()}`; }
