// Starts the phone: theme, who holds it, the list, the open chat, the news.

import { byId, icon } from "./dom.js";
import { begin, on, openChat, readAddress, store } from "./store.js";
import { startList } from "./list.js";
import { startChat } from "./chat.js";
import { startTheme } from "./theme.js";
import { alertBox, toast } from "./toast.js";

byId("back").append(icon("back"));
byId("more").append(icon("more"));
byId("down").append(icon("down"));
startTheme();
startList();
startChat();
readAddress();

on("toast", (answer) => {
  if (answer.url) {
    const payload = /start=([\w-]*)/.exec(answer.url)?.[1] ?? "";
    store.payload = payload;
    openChat(store.me);
  }
  if (!answer.text) return;
  if (answer.alert) alertBox(store.phone.bot.name, answer.text);
  else toast(answer.text);
});

await begin().catch((error) => toast(error.message));

// t.me/<bot>?start=X opens the private chat with a Start button, as on a phone.
const link = /^\/t\.me\/([A-Za-z0-9_]+)$/.exec(location.pathname);
if (link && store.phone) {
  if (link[1].toLowerCase() === store.phone.bot.username.toLowerCase()) {
    store.payload = new URLSearchParams(location.search).get("start") ?? "";
    await openChat(store.me);
  } else {
    toast(`There is no @${link[1]} here; the bot is @${store.phone.bot.username}`);
  }
} else if (store.chatId) {
  await openChat(store.chatId, store.thread);
}

addEventListener("hashchange", () => location.reload());
