// Writing: as whom, an answer to what, and the bot's commands on "/".

import { post } from "./api.js";
import { byId, face, h, icon } from "./dom.js";
import { answer, isBot, line, me, store, user } from "./store.js";
import { botMenu, choosePerson } from "./people.js";
import { summary } from "./bubble.js";
import { toast } from "./toast.js";

let drawnFor = "";
let commands = [];
let chosen = 0;
const drafts = new Map();

const box = () => byId("composer").querySelector("textarea");

export function focusComposer() {
  box()?.focus();
}

export async function say(text) {
  const reply = store.answering;
  try {
    await post("send", { person: store.me, chat: store.chatId, text, reply_to: reply?.id, thread: store.thread || reply?.thread });
    if (reply) answer(null);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

export async function start() {
  const payload = store.payload ?? "";
  store.payload = null;
  drawnFor = "";
  await post("start", { person: store.me, payload }).catch((error) => toast(error.message));
}

function mode(chat) {
  if (chat.kind === "private" && me()?.blocked) return "blocked";
  if (chat.kind === "private" && (store.payload !== null || !me()?.started)) return "start";
  return chat.may_write ? "write" : "read";
}

export function drawComposer() {
  const chat = line(store.chatId);
  const footer = byId("composer");
  if (!chat) return footer.replaceChildren();
  const now = mode(chat);
  const wanted = `${store.me}/${chat.id}/${now}`;
  if (wanted !== drawnFor) {
    drawnFor = wanted;
    footer.replaceChildren(...build(chat, now));
    loadCommands(chat.id);
  }
  drawAnswering(footer);
}

function build(chat, now) {
  switch (now) {
    case "blocked":
      return [h("button", { type: "button", class: "start", onclick: () => post("block", { person: store.me, blocked: false }) }, "Unblock")];
    case "start":
      return [h("button", { type: "button", class: "start", onclick: start }, "Start", h("small", {}, `as ${me().name}`))];
    case "read":
      return [h("p", { class: "note" }, "Only admins write here")];
    default:
      return [h("div", { class: "commands", role: "listbox", "aria-label": "Commands", hidden: true }), row(chat)];
  }
}

function row(chat) {
  const text = h("textarea", { rows: "1", placeholder: "Message", "aria-label": `Message as ${me().name}`, maxlength: "4096", autocomplete: "off" });
  const send = h("button", { type: "button", class: "send", "aria-label": "Send", disabled: true }, icon("send"));
  const fit = () => {
    text.style.height = "auto";
    text.style.height = `${Math.min(text.scrollHeight, 132)}px`;
    send.disabled = !text.value.trim();
    drafts.set(`${store.me}/${chat.id}`, text.value);
    drawCommands(text.value);
  };
  const go = async (value) => {
    const said = (value ?? text.value).trim();
    if (!said || !(await say(said))) return;
    text.value = "";
    fit();
  };
  text.addEventListener("input", () => {
    chosen = 0;
    fit();
  });
  text.addEventListener("keydown", (event) => onKey(event, text, go, fit));
  send.addEventListener("click", () => go().then(() => text.focus()));
  const menu = () => {
    text.value = text.value === "/" ? "" : "/";
    fit();
    text.focus();
  };
  queueMicrotask(() => {
    text.value = drafts.get(`${store.me}/${chat.id}`) ?? "";
    fit();
  });
  return h("div", { class: "row" },
    h("button", { type: "button", class: "as", onclick: choosePerson, "aria-label": `You type as ${me().name}. Change person`, title: `You type as ${me().name}` }, face(store.me, me().name, "tiny")),
    h("button", { type: "button", class: "menu-key", onclick: menu, "aria-label": "Commands of the bot", hidden: true }, "Menu"),
    text, send);
}

function onKey(event, text, go, fit) {
  const found = matching(text.value);
  const listed = found.length > 0;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    const only = listed && found[chosen];
    if (only && !text.value.includes(" ") && text.value !== `/${only.command}`) return pick(only, text, fit, go);
    return go();
  }
  if (event.key === "Tab" && listed) {
    event.preventDefault();
    text.value = `/${found[chosen].command} `;
    return fit();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && listed) {
    event.preventDefault();
    chosen = (chosen + step + found.length) % found.length;
    drawCommands(text.value);
  }
  if (event.key === "Escape") {
    event.stopPropagation();
    if (store.answering) answer(null);
    else if (listed) {
      text.value = "";
      fit();
    } else text.blur();
  }
}

function pick(command, text, fit, go) {
  // Commands are addressed in groups, as a phone does it.
  const name = store.chatId < 0 ? `/${command.command}@${store.phone.bot.username}` : `/${command.command}`;
  text.value = "";
  fit();
  go(name);
}

const matching = (value) =>
  /^\/[a-z0-9_]*$/i.test(value) ? commands.filter((c) => c.command.startsWith(value.slice(1).toLowerCase())) : [];

function drawCommands(value) {
  const list = byId("composer").querySelector(".commands");
  if (!list) return;
  const found = matching(value);
  list.hidden = !found.length;
  const text = box();
  list.replaceChildren(...found.map((command, i) => h("button", {
    type: "button", role: "option", "aria-selected": i === chosen ? "true" : "false", tabindex: "-1",
    onclick: () => {
      pick(command, text, () => text.dispatchEvent(new Event("input")), say);
      text.focus();
    },
  }, h("b", {}, `/${command.command}`), h("span", {}, command.description))));
  list.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
}

export async function loadCommands(chat = store.chatId) {
  if (!chat) return;
  commands = (await botMenu(chat).catch(() => ({ commands: [] }))).commands;
  const key = byId("composer").querySelector(".menu-key");
  if (key) key.hidden = !commands.length || store.chatId < 0;
}

function drawAnswering(footer) {
  footer.querySelector(".answering")?.remove();
  const to = store.answering;
  const here = footer.querySelector(".row");
  if (!to || !here) return;
  const name = isBot(to.from) ? store.phone.bot.name : user(to.from).name;
  here.before(h("div", { class: "answering" },
    h("div", { class: "text" }, h("b", {}, `Reply to ${name}`), h("span", {}, summary(to))),
    h("button", { type: "button", class: "icon-button", "aria-label": "Do not reply", onclick: () => answer(null) }, icon("close", 20))));
}
