// The list of chats, with previews and unread badges.

import { byId, clock, day, face, h, icon } from "./dom.js";
import { fileUrl, post } from "./api.js";
import { isBot, me, on, openChat, store, user } from "./store.js";
import { serviceText } from "./bubble.js";
import { choosePerson } from "./people.js";

export const ACTIONS = {
  typing: "typing…", upload_photo: "sending a photo…", upload_document: "sending a file…", upload_video: "sending a video…",
};

export function preview(message, chat) {
  if (!message) return [chat.kind === "private" ? "No messages yet" : ""];
  if (message.service) return [serviceText(message)];
  const label = { photo: "Photo", document: message.file?.name || "File", animation: "GIF" }[message.kind];
  const text = (message.text || label || "").replace(/\s+/g, " ").slice(0, 90);
  const mark = message.kind === "photo" ? h("img", { src: fileUrl(message.file), alt: "" }) : message.kind === "document" ? icon("file", 15) : null;
  const by = message.from === store.me ? "You" : chat.kind === "private" ? "" : user(message.from).name.split(" ")[0];
  return [by && h("span", { class: "by" }, `${by}: `), mark, text].filter(Boolean);
}

/** On a person's phone the private chat is the bot's. */
export const chatFace = (chat, size = "") =>
  face(chat.kind === "private" ? store.phone.bot.id : chat.id, chat.title, size, chat.kind !== "private");

function row(chat) {
  const busy = ACTIONS[chat.action];
  const when = chat.last ? clock(chat.last.date) : "";
  const old = chat.last && day(chat.last.date, store.phone.now) !== "Today";
  return h("li", {}, h("button", {
    type: "button", "aria-current": chat.id === store.chatId ? "true" : "false", onclick: () => openChat(chat.id),
    "aria-label": `${chat.title}${chat.unread ? `, ${chat.unread} unread` : ""}`, data: { chat: chat.id },
  },
  chatFace(chat),
  h("span", {},
    h("span", { class: "line-1" }, h("b", {}, chat.title), h("time", {}, old ? day(chat.last.date, store.phone.now) : when)),
    h("span", { class: "line-2" },
      h("span", { class: "preview" }, busy ? h("span", { class: "busy" }, busy) : preview(chat.last, chat)),
      chat.unread ? h("span", { class: "badge" }, String(chat.unread)) : null))));
}

function elsewhere(chat) {
  const join = async () => {
    await post("join", { person: store.me, chat: chat.id });
    await openChat(chat.id);
  };
  return h("div", { class: "row" }, face(chat.id, chat.title, "", true),
    h("span", {}, h("b", {}, chat.title), h("br"), `${chat.members.filter((m) => !isBot(m)).length} people`),
    h("button", { type: "button", class: "join", onclick: join, "aria-label": `Join ${chat.title}` }, "Join"));
}

export function drawList() {
  const { phone } = store;
  if (!phone) return;
  byId("chats").replaceChildren(...phone.chats.map(row));
  const other = byId("elsewhere");
  other.hidden = !phone.elsewhere.length;
  other.replaceChildren(h("h3", {}, `Groups that ${me()?.name.split(" ")[0] ?? "you"} is not in`), ...phone.elsewhere.map(elsewhere));
  const who = byId("who");
  who.replaceChildren(face(store.me, me()?.name ?? "?", "small"));
  who.setAttribute("aria-label", `You are ${me()?.name}. Change person`);
  document.title = `${me()?.unread ? `(${me().unread}) ` : ""}${me()?.name ?? ""} · sandbox chats`;
}

export function startList() {
  on("list", drawList);
  byId("who").addEventListener("click", choosePerson);
  byId("chats").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const rows = [...byId("chats").querySelectorAll("button")];
    rows[rows.indexOf(document.activeElement) + step]?.focus();
    event.preventDefault();
  });
}
