// A picture on the whole screen: wheel, pinch or double tap zooms, drag moves; it follows the message's edits.

import { fileUrl } from "./api.js";
import { clock, h, icon } from "./dom.js";
import { store, user } from "./store.js";

let dialog = null;
let shown = 0;
let zoom = { scale: 1, x: 0, y: 0 };

export function openViewer(id) {
  shown = id;
  zoom = { scale: 1, x: 0, y: 0 };
  dialog = h("dialog", { class: "viewer", "aria-label": "Picture" });
  dialog.addEventListener("close", () => {
    dialog.remove();
    dialog = null;
  });
  document.body.append(dialog);
  drawViewer();
  dialog?.showModal();
}

/** Draws the newest state of the message; closes when it is gone. */
export function drawViewer() {
  if (!dialog) return;
  const message = store.chat?.messages.find((m) => m.id === shown);
  if (!message?.file) return dialog.close();
  const old = dialog.querySelector("img");
  if (old) {
    if (old.dataset.sha !== message.file.sha256) {
      old.src = fileUrl(message.file);
      old.dataset.sha = message.file.sha256;
    }
    dialog.querySelector(".under").textContent = message.text;
    return;
  }
  const image = h("img", { src: fileUrl(message.file), alt: message.text || "Photo", draggable: "false", data: { sha: message.file.sha256 } });
  const stage = h("div", { class: "stage" }, image);
  const place = () => {
    image.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
    stage.classList.toggle("zoomed", zoom.scale > 1);
  };
  dialog.append(stage,
    h("div", { class: "top" },
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("back")),
      h("div", {}, h("b", {}, user(message.from).name), h("span", {}, clock(message.edit_date ?? message.date))),
      h("a", { class: "icon-button", "aria-label": "Download", href: fileUrl(message.file), download: "picture.png" }, icon("load"))),
    h("div", { class: "under" }, message.text));
  moves(stage, place);
}

function zoomTo(scale, x, y, stage, place) {
  const next = Math.min(Math.max(scale, 1), 10);
  const box = stage.getBoundingClientRect();
  const [cx, cy] = [x - box.width / 2, y - box.height / 2];
  const ratio = next / zoom.scale;
  zoom = next === 1 ? { scale: 1, x: 0, y: 0 } : { scale: next, x: cx - (cx - zoom.x) * ratio, y: cy - (cy - zoom.y) * ratio };
  place();
}

function moves(stage, place) {
  const fingers = new Map();
  let pinch = 0;
  let moved = 0;
  let lastTap = 0;
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(zoom.scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY, stage, place);
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    moved = 0;
    pinch = 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    moved += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()];
      const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (pinch) zoomTo((zoom.scale * apart) / pinch, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2, stage, place);
      pinch = apart;
    } else if (zoom.scale > 1) {
      zoom.x += event.clientX - before.clientX;
      zoom.y += event.clientY - before.clientY;
      place();
    }
  });
  const up = (event) => {
    fingers.delete(event.pointerId);
    if (moved > 8 || event.type === "pointercancel") return;
    const now = Date.now();
    if (now - lastTap < 300) zoomTo(zoom.scale > 1 ? 1 : 2.6, event.clientX, event.clientY, stage, place);
    else dialog?.classList.toggle("bare");
    lastTap = now;
  };
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", up);
  dialog.addEventListener("keydown", (event) => {
    const factor = { "+": 1.4, "=": 1.4, "-": 1 / 1.4 }[event.key];
    if (factor) zoomTo(zoom.scale * factor, innerWidth / 2, innerHeight / 2, stage, place);
  });
}
