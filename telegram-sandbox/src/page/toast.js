// What passes over the chat: toasts, and alerts that want to be closed.

import { byId, h } from "./dom.js";
import { show } from "./people.js";

export function toast(text) {
  const element = h("div", { class: "toast" }, text);
  byId("toasts").append(element);
  setTimeout(() => element.remove(), Math.min(2600 + text.length * 35, 8000));
}

export function alertBox(title, text) {
  const dialog = h("dialog", { class: "alert", role: "alertdialog", "aria-label": title },
    h("p", {}, text),
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close(), autofocus: true }, "OK")));
  show(dialog);
}

/** Asks for one of several answers; each is [label, run]. */
export function ask(text, answers) {
  const pick = (run) => () => {
    dialog.close();
    run?.();
  };
  const dialog = h("dialog", { class: "ask alert", "aria-label": text }, h("p", {}, text),
    h("div", { class: "buttons" }, answers.map(([label, run]) => h("button", { type: "button", onclick: pick(run) }, label))));
  show(dialog);
}
