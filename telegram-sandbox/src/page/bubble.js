// One message: author, picture, words, buttons, time.

import { fileUrl, post } from "./api.js";
import { clock, face, h, hue, icon, size } from "./dom.js";
import { store, user } from "./store.js";
import { link, startPayload, words } from "./words.js";
import { toast } from "./toast.js";
import { openViewer } from "./viewer.js";

export function serviceText(message) {
  const s = message.service;
  const who = message.from === store.me ? "You" : user(message.from).name;
  const names = (ids) => ids.map((id) => user(id).name).join(", ");
  switch (s.event) {
    case "pinned": return `${who} pinned a message`;
    case "created": return `${who} created the group`;
    case "joined": return s.users.length === 1 && s.users[0] === message.from ? `${who} joined the group` : `${who} added ${names(s.users)}`;
    case "left": return s.user === message.from ? `${who} left the group` : `${who} removed ${names([s.user])}`;
    case "titled": return `${who} renamed the group to “${s.title}”`;
    case "migrated_to": return "The group became a supergroup";
    case "migrated_from": return "The group became a supergroup";
    case "topic_created": return `${who} created the topic “${s.name}”`;
    case "topic_edited": return s.name ? `${who} renamed the topic to “${s.name}”` : `${who} changed the topic`;
    case "topic_closed": return `${who} closed the topic`;
    case "topic_reopened": return `${who} reopened the topic`;
    default: return s.event;
  }
}

export const summary = (message) => {
  if (!message) return "Deleted message";
  const label = { photo: "Photo", document: message.file?.name ?? "File", animation: "GIF" }[message.kind] ?? "";
  return (message.text || label).replace(/\s+/g, " ").slice(0, 120);
};

/** `act` has: command, start, jump, menu. */
export function drawMessage(message, view, act) {
  if (message.service) return drawService(message, act);
  const mine = message.from === store.me;
  const media = message.kind === "photo" || message.kind === "animation";
  const classes = ["msg", mine && "mine", media && "media", view.follows && "follows"].filter(Boolean).join(" ");
  const bubble = h("div", { class: "bubble" });
  if (view.named && !mine) bubble.append(h("div", { class: `author ${hue(message.from)}` }, user(message.from).name));
  if (message.forwarded_from) bubble.append(h("div", { class: "forwarded" }, `Forwarded from ${user(message.forwarded_from).name}`));
  if (message.reply_to) bubble.append(drawAnswered(message.reply_to, act));
  if (message.kind === "photo") bubble.append(drawPicture(message, view));
  if (message.kind === "document" || message.kind === "animation") bubble.append(...drawDocument(message));
  if (message.text) bubble.append(h("div", { class: "words" }, words(message.text, message.entities, act)));
  bubble.append(drawStamp(message, message.kind === "photo" && !message.text));
  const author = view.faces && !mine && view.last ? face(message.from, user(message.from).name, "tiny") : null;
  const menu = (event) => {
    event.preventDefault();
    act.menu(message, event);
  };
  const element = h("article", { class: classes, id: `m${message.id}`, tabindex: "-1", "aria-label": label(message), oncontextmenu: menu },
    h("div", { class: "side" }, bubble, author), message.buttons.length ? drawKeys(message, act) : null);
  bubble.addEventListener("dblclick", () => act.reply(message));
  onLongPress(bubble, menu);
  return element;
}

/** Not every phone makes a context menu of a long press. */
function onLongPress(element, run) {
  let timer = 0;
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch") timer = setTimeout(() => run(event), 500);
  });
  for (const end of ["pointerup", "pointermove", "pointercancel", "pointerleave"]) {
    element.addEventListener(end, () => clearTimeout(timer));
  }
}

const label = (message) => `${user(message.from).name}, ${clock(message.date)}: ${summary(message)}`;

function drawService(message, act) {
  const text = serviceText(message);
  const pill = message.service.event === "pinned"
    ? h("button", { type: "button", onclick: () => act.jump(message.service.message) }, text)
    : h("span", {}, text);
  const menu = (event) => {
    event.preventDefault();
    act.menu(message, event);
  };
  return h("div", { class: "service", id: `m${message.id}`, oncontextmenu: menu }, pill);
}

function drawStamp(message, over) {
  const edited = message.edit_date ? h("span", { title: `edited ${clock(message.edit_date)}` }, "edited") : null;
  const pinned = message.pinned ? icon("pin", 12) : null;
  return h("span", { class: over ? "stamp over" : "stamp" }, pinned, edited, h("time", {}, clock(message.edit_date ?? message.date)));
}

function drawAnswered(id, act) {
  const original = store.chat.messages.find((m) => m.id === id);
  return h("button", { type: "button", class: "answered", onclick: () => act.jump(id) },
    h("b", {}, original ? user(original.from).name : "Reply"), h("span", {}, summary(original)));
}

function drawPicture(message, view) {
  const { file } = message;
  const image = h("img", { src: fileUrl(file), alt: message.text ? message.text.slice(0, 120) : "Photo", draggable: "false" });
  const open = () => {
    if (button.classList.contains("spoiler")) button.classList.remove("spoiler");
    else openViewer(message.id);
  };
  const button = h("button", { type: "button", class: `picture ${file.spoiler ? "spoiler" : ""} ${view.changed ? "changed" : ""}`, onclick: open, "aria-label": "Open the picture" }, image);
  // The place is kept before the picture is there, so that nothing jumps.
  button.style.aspectRatio = `${file.width} / ${Math.min(Math.max(file.height, file.width / 3), file.width * 1.35)}`;
  return button;
}

function drawDocument(message) {
  const { file } = message;
  const name = file.name || "file";
  return [
    h("a", { class: "document", href: fileUrl(file), download: name },
      h("i", {}, icon("file", 24)), h("span", {}, h("b", {}, name), h("span", {}, size(file.size)))),
    message.text ? null : h("div", { class: "stamp-room" }),
  ].filter(Boolean);
}

function drawKeys(message, act) {
  const row = (buttons) => h("div", {}, buttons.map((button) => drawKey(message, button, act)));
  return h("div", { class: "keys", role: "group", "aria-label": "Buttons" }, message.buttons.map(row));
}

function drawKey(message, button, act) {
  const waiting = [...store.waiting].some((id) => presses.get(id) === key(message, button));
  const press = async () => {
    if (button.url) return openLink(button.url, act);
    try {
      const answer = await post("press", { person: store.me, chat: store.chatId, message: message.id, label: button.text, data: button.data });
      if (answer.callback) {
        presses.set(answer.callback, key(message, button));
        store.waiting.add(answer.callback);
        element.classList.add("waiting");
      } else if (answer.url) {
        navigator.clipboard?.writeText(answer.url);
        toast("Copied");
      }
    } catch (error) {
      toast(error.message);
    }
  };
  const element = h("button", { type: "button", class: `key ${button.style ?? ""} ${waiting ? "waiting" : ""}`, onclick: press },
    button.text, button.url ? h("span", { class: "corner" }, icon("link", 12)) : null);
  return element;
}

const presses = new Map();
const key = (message, button) => `${store.chatId}/${message.id}/${button.data}/${button.text}/${store.me}`;

function openLink(url, act) {
  const payload = startPayload(url);
  if (payload !== null) act.start(payload);
  else link(url, [], act).click();
}

