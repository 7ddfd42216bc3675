// What the page knows: who holds the phone, the list of chats, the open chat. Everything else is drawn from it.

import { follow, get, post } from "./api.js";

export const store = {
  me: 0,
  chatId: 0,
  thread: 0,
  payload: null,
  phone: null,
  chat: null,
  answering: null,
  waiting: new Set(),
  shown: 120,
};

const watchers = { list: [], chat: [], toast: [] };
export const on = (what, run) => watchers[what].push(run);
const tell = (what, ...news) => watchers[what].forEach((run) => run(...news));

export const me = () => store.phone?.people.find((p) => p.id === store.me);
export const line = (id) => store.phone?.chats.find((c) => c.id === id);
export const isBot = (id) => id === store.phone?.bot.id;
export function user(id) {
  if (isBot(id)) return store.phone.bot;
  return store.phone?.people.find((p) => p.id === id) || { id, name: `User ${id}` };
}

let toastsSeen = null;

/** Coalesces bursts: while one reading is under way, at most one more is queued. */
function once(read) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await read();
    } catch (error) {
      console.warn(error.message);
    }
    running = false;
    if (again) {
      again = false;
      await run();
    }
  };
}

export const refreshList = once(async () => {
  if (!store.me) {
    const state = await get("state");
    if (!state.people.length) throw new Error("nobody is here yet: POST /sandbox/people");
    store.me = state.people[0].id;
  }
  store.phone = await get(`phone?person=${store.me}`).catch(async (error) => {
    store.me = 0;
    throw error;
  });
  tell("list");
});

export const refreshChat = once(async () => {
  const { chatId, me } = store;
  if (!chatId) return tell("chat");
  const chat = await get(`chats/${chatId}?person=${me}&last=${store.shown}`).catch(() => null);
  if (chatId !== store.chatId || me !== store.me) return;
  if (chat?.migrated_to || !chat) {
    openChat(chat?.migrated_to || 0);
    return;
  }
  store.chat = chat;
  tell("chat");
  markRead();
});

const refreshToasts = once(async () => {
  const { toasts } = await get(`toasts?after=${toastsSeen ?? 0}`);
  const first = toastsSeen === null;
  toastsSeen = toasts.at(-1)?.n ?? toastsSeen ?? 0;
  for (const toast of toasts) {
    store.waiting.delete(toast.callback);
    if (!first && toast.person === store.me) tell("toast", toast);
  }
  if (toasts.length) tell("chat");
});

async function markRead() {
  const unread = line(store.chatId)?.unread;
  if (unread && document.visibilityState === "visible") await post("read", { person: store.me, chat: store.chatId });
}

function address() {
  const hash = store.chatId ? `#${store.me}/${store.chatId}${store.thread ? `/${store.thread}` : ""}` : `#${store.me}`;
  if (location.hash !== hash) history.replaceState(null, "", location.pathname.startsWith("/t.me/") ? `/${hash}` : hash);
}

export function readAddress() {
  const [person, chat, thread] = location.hash.slice(1).split("/").map(Number);
  store.me = person || Number(localStorage.getItem("person")) || 0;
  store.chatId = chat || 0;
  store.thread = thread || 0;
}

export function openChat(id, thread = 0) {
  if (store.chatId !== id) Object.assign(store, { chat: null, answering: null, shown: 120 });
  Object.assign(store, { chatId: id, thread });
  address();
  tell("list");
  return refreshChat();
}

export async function become(person) {
  Object.assign(store, { me: person, answering: null });
  localStorage.setItem("person", person);
  await refreshList();
  const seen = line(store.chatId) ? store.chatId : store.chatId > 0 ? person : 0;
  store.chat = null;
  await openChat(seen, seen === store.chatId ? store.thread : 0);
}

export function answer(message) {
  store.answering = message;
  tell("chat");
}

export function showMore() {
  store.shown += 200;
  return refreshChat();
}

export async function begin() {
  await refreshList();
  await refreshToasts();
  follow(store.phone?.n ?? 0, (events, forgotten) => {
    const kinds = new Set(events.map((e) => e.kind));
    const here = events.some((e) => e.chat === store.chatId || e.kind === "bot" || e.kind === "person");
    if (forgotten || [...kinds].some((k) => k !== "call" && k !== "confirmed" && k !== "toast")) refreshList();
    if (forgotten || here) refreshChat();
    if (forgotten || kinds.has("toast")) refreshToasts();
  });
  document.addEventListener("visibilitychange", markRead);
  // A busy line ("typing") ends by the clock, not by news.
  setInterval(() => line(store.chatId)?.action && refreshList(), 5200);
}
