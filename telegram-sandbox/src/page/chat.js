// The open chat: header, topics, messages. Only bubbles that changed are drawn again.

import { byId, day, h } from "./dom.js";
import { isBot, line, me, on, openChat, showMore, store, answer } from "./store.js";
import { ACTIONS, chatFace } from "./list.js";
import { drawMessage } from "./bubble.js";
import { drawPinned } from "./pinned.js";
import { drawComposer, focusComposer, loadCommands, say } from "./composer.js";
import { chatMenu, messageMenu } from "./menu.js";
import { drawViewer } from "./viewer.js";

let drawn = new Map();
let drawnChat = "";

export const act = {
  command: (text) => say(text),
  start: (payload) => {
    store.payload = payload;
    return openChat(store.me);
  },
  jump,
  menu: messageMenu,
  reply: (message) => {
    answer(message);
    focusComposer();
  },
};

export function jump(id) {
  const element = byId(`m${id}`);
  if (!element) return;
  element.scrollIntoView({ block: "center", behavior: "smooth" });
  element.classList.remove("found");
  void element.offsetWidth;
  element.classList.add("found");
}

export function drawChat() {
  const chat = line(store.chatId);
  byId("phone").classList.toggle("in-chat", Boolean(chat));
  byId("open").hidden = !chat || !store.chat;
  byId("nothing").hidden = Boolean(chat);
  if (!chat || !store.chat) {
    drawnChat = "";
    return;
  }
  drawHeader(chat);
  drawTopics(chat);
  drawPinned(act);
  drawMessages(chat);
  drawComposer();
  drawViewer();
}

function drawHeader(chat) {
  byId("face").replaceChildren(chatFace(chat, "small"));
  byId("title").textContent = chat.title;
  const busy = ACTIONS[chat.action];
  const people = chat.members.filter((m) => !isBot(m)).length;
  const withBot = chat.members.some(isBot) ? ", 1 bot" : "";
  const quiet = chat.kind === "private" ? "bot" : `${people} ${people === 1 ? "person" : "people"}${withBot}`;
  byId("subtitle").textContent = busy || quiet;
  byId("subtitle").classList.toggle("busy", Boolean(busy));
}

function drawTopics(chat) {
  const bar = byId("topics");
  bar.hidden = !chat.forum;
  if (!chat.forum) return;
  const tab = (id, name) => h("button", {
    type: "button", role: "tab", "aria-selected": store.thread === id ? "true" : "false", onclick: () => openChat(chat.id, id),
  }, name);
  bar.replaceChildren(tab(0, "All"), ...chat.topics.map((t) => tab(t.id, t.closed ? `${t.name} (closed)` : t.name)));
}

function atBottom(log) {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 90;
}

function drawMessages(chat) {
  const log = byId("log");
  const key = `${store.me}/${chat.id}/${store.thread}`;
  const fresh = key !== drawnChat;
  const stay = !fresh && !atBottom(log);
  const oldHeight = log.scrollHeight;
  const oldFirst = log.querySelector(".msg, .service")?.id;
  if (fresh) drawn = new Map();
  drawnChat = key;
  const messages = store.chat.messages.filter((m) => !store.thread || m.thread === store.thread);
  const faces = chat.kind !== "private";
  log.classList.toggle("with-faces", faces);
  const next = new Map();
  const children = [];
  let lastDay = "";
  messages.forEach((message, i) => {
    const today = day(message.date, store.phone.now);
    const newDay = today !== lastDay;
    if (newDay) children.push(keep(next, `d${today}`, today, () => h("div", { class: "day" }, h("span", {}, today))));
    lastDay = today;
    const before = messages[i - 1];
    const after = messages[i + 1];
    const follows = !newDay && joins(before, message);
    const view = { faces, follows, named: faces && !follows, last: !joins(message, after) };
    const reply = message.reply_to && store.chat.messages.find((m) => m.id === message.reply_to);
    const content = JSON.stringify([message, view, reply?.text, [...store.waiting], me()?.name]);
    const old = drawn.get(`m${message.id}`);
    const changed = old && old.sha !== message.file?.sha256;
    children.push(keep(next, `m${message.id}`, content, () => drawMessage(message, { ...view, changed }, act), message.file?.sha256));
  });
  if (store.chat.messages.length >= store.shown) {
    children.unshift(h("div", { class: "service" }, h("button", { type: "button", onclick: showMore }, "Show earlier messages")));
  }
  if (!messages.length) children.push(emptyNote(chat));
  reconcile(log, children);
  drawn = next;
  children.forEach(measureStamp);
  if (fresh || !stay) log.scrollTop = log.scrollHeight;
  else if (oldFirst && log.querySelector(".msg, .service")?.id !== oldFirst) log.scrollTop += log.scrollHeight - oldHeight;
  byId("down").hidden = atBottom(log);
}

const joins = (a, b) => Boolean(a && b && !a.service && !b.service && a.from === b.from && b.date - a.date < 300);

function keep(next, id, content, draw, sha) {
  const old = drawn.get(id);
  const kept = old?.content === content ? old : { content, element: draw(), sha };
  next.set(id, kept);
  return kept.element;
}

/** Moves as little as possible, so that focus and scroll position stay. */
function reconcile(log, children) {
  const wanted = new Set(children);
  for (const child of [...log.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, i) => {
    if (log.children[i] !== child) log.insertBefore(child, log.children[i] ?? null);
  });
}

/** The last line of words leaves room for the time. */
function measureStamp(element) {
  const words = element.querySelector?.(".words");
  const stamp = element.querySelector?.(".stamp");
  if (words && stamp) words.style.setProperty("--stamp", `${stamp.offsetWidth + 6}px`);
}

function emptyNote(chat) {
  const text = chat.kind === "private" ? "Press Start, or say something." : "Nothing was written here yet.";
  return h("div", { class: "empty" }, h("b", {}, chat.title), text);
}

export function startChat() {
  on("chat", drawChat);
  on("list", drawChat);
  on("list", () => loadCommands());
  const log = byId("log");
  log.addEventListener("scroll", () => (byId("down").hidden = atBottom(log)), { passive: true });
  // A picture that arrives late must not push the newest message out of sight.
  log.addEventListener("load", () => byId("down").hidden && (log.scrollTop = log.scrollHeight), true);
  byId("down").addEventListener("click", () => log.scrollTo({ top: log.scrollHeight, behavior: "smooth" }));
  byId("back").addEventListener("click", () => openChat(0));
  byId("more").addEventListener("click", chatMenu);
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open], .sheet")) return;
    const typing = /^(TEXTAREA|INPUT)$/.test(document.activeElement?.tagName);
    if (event.key === "Escape" && !typing && store.chatId) openChat(0);
    if (event.key === "/" && !typing) focusComposer();
    if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const chats = store.phone.chats;
      const at = chats.findIndex((c) => c.id === store.chatId) + (event.key === "ArrowDown" ? 1 : -1);
      if (chats[at]) openChat(chats[at].id);
      event.preventDefault();
    }
  });
}
