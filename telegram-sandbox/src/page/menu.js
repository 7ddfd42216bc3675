// Small menus: of a message, of the chat.

import { fileUrl, post } from "./api.js";
import { h, icon } from "./dom.js";
import { answer, isBot, line, me, openChat, store } from "./store.js";
import { ask, toast } from "./toast.js";

let open = null;

function close() {
  open?.remove();
  open = null;
}

/** Items are [icon, label, run, danger]. */
export function sheet(items, event) {
  close();
  const from = document.activeElement;
  const pick = (run) => () => {
    close();
    Promise.resolve(run()).catch((error) => toast(error.message));
  };
  const buttons = items.filter(Boolean).map(([name, label, run, danger]) =>
    h("button", { type: "button", role: "menuitem", class: danger ? "danger" : "", onclick: pick(run) }, icon(name, 19), label));
  open = h("div", { class: "sheet", role: "menu" }, buttons);
  open.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step) buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
    if (e.key === "Escape") {
      close();
      from?.focus();
    }
    if (step || e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
    }
  });
  document.body.append(open);
  const box = open.getBoundingClientRect();
  const at = event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : event.target.getBoundingClientRect();
  open.style.left = `${Math.max(8, Math.min(at.x, innerWidth - box.width - 8))}px`;
  open.style.top = `${Math.max(8, Math.min(at.y, innerHeight - box.height - 8))}px`;
  buttons[0]?.focus();
}

addEventListener("pointerdown", (event) => open && !open.contains(event.target) && close(), true);

const order = (path, message, more = {}) => post(path, { person: store.me, chat: store.chatId, message: message.id, ...more });

export function messageMenu(message, event) {
  const chat = line(store.chatId);
  if (!chat) return;
  const service = Boolean(message.service);
  const everybody = chat.may_delete || message.from === store.me;
  const onlyMe = chat.kind === "private" || chat.kind === "group";
  const remove = () => ask("Delete this message?", [
    everybody && ["Delete for everybody", () => order("delete", message)],
    onlyMe && ["Delete for me", () => order("delete", message, { only_for_me: true })],
    ["Cancel", null],
  ].filter(Boolean));
  sheet([
    !service && chat.may_write && ["reply", "Reply", () => answer(message)],
    !service && message.text && ["copy", "Copy text", () => navigator.clipboard.writeText(message.text)],
    message.file && ["load", "Download", () => h("a", { href: fileUrl(message.file), download: message.file.name || "picture" }).click()],
    !service && chat.may_pin && (message.pinned
      ? ["pin", "Unpin", () => order("unpin", message)]
      : ["pin", "Pin", () => order("pin", message)]),
    (everybody || onlyMe) && ["trash", "Delete", remove, true],
  ], event);
}

export function chatMenu(event) {
  const chat = line(store.chatId);
  if (!chat) return;
  const { id, kind } = chat;
  const blocked = me()?.blocked;
  const names = () => chat.members.map((m) => (isBot(m) ? store.phone.bot : store.phone.people.find((p) => p.id === m))?.name);
  sheet([
    kind !== "private" && ["people", "Members", () => ask(names().join("\n"), [["OK", null]])],
    kind === "private" && ["block", blocked ? "Unblock the bot" : "Block the bot", () => post("block", { person: store.me, blocked: !blocked }), !blocked],
    kind !== "private" && ["leave", "Leave the group", async () => {
      await post("leave", { person: store.me, chat: id });
      await openChat(0);
    }, true],
  ], event);
}
