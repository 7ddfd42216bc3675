// The bar of pinned messages: a tap jumps to the one shown and turns to the next older one.

import { fileUrl } from "./api.js";
import { byId, h, icon } from "./dom.js";
import { store } from "./store.js";
import { summary } from "./bubble.js";
import { sheet } from "./menu.js";

let at = 0;
let chat = 0;

export function drawPinned(act) {
  const bar = byId("pinned");
  const pinned = store.chat.messages.filter((m) => m.pinned && (!store.thread || m.thread === store.thread)).reverse();
  if (chat !== store.chatId) at = 0;
  chat = store.chatId;
  bar.hidden = !pinned.length;
  if (!pinned.length) return;
  at %= pinned.length;
  const shown = pinned[at];
  const jump = () => {
    act.jump(shown.id);
    at = (at + 1) % pinned.length;
    drawPinned(act);
  };
  const marks = pinned.slice(0, 4).map((_, i) => h("i", { class: i === Math.min(at, 3) ? "now" : "" })).reverse();
  const title = pinned.length > 1 ? `Pinned message ${pinned.length - at} of ${pinned.length}` : "Pinned message";
  const picture = shown.kind === "photo" ? h("img", { src: fileUrl(shown.file), alt: "" }) : null;
  const all = (event) => sheet(pinned.map((m) => ["pin", summary(m).slice(0, 34), () => act.jump(m.id)]), event);
  bar.replaceChildren(
    h("div", { class: "marks", "aria-hidden": "true" }, marks),
    h("button", { type: "button", class: "jump", onclick: jump, "aria-label": `${title}: ${summary(shown)}` },
      picture, h("span", { class: "text" }, h("b", {}, title), h("span", {}, summary(shown)))),
    h("button", { type: "button", class: "icon-button", onclick: all, "aria-label": "All pinned messages", "aria-haspopup": "menu" }, icon("pin", 20)),
  );
}
