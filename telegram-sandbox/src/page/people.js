// Choosing who holds the phone; a new person is a name away.

import { get, post } from "./api.js";
import { face, h } from "./dom.js";
import { become, store } from "./store.js";

export function choosePerson() {
  const dialog = h("dialog", { class: "people", "aria-label": "Whose phone is this?" });
  const pick = async (id) => {
    dialog.close();
    await become(id);
  };
  const row = (person) => h("li", {}, h("button", {
    type: "button", "aria-current": person.id === store.me ? "true" : "false", onclick: () => pick(person.id), data: { person: person.id },
  },
  face(person.id, person.name, "small"),
  h("span", {}, h("b", {}, person.name), h("span", { class: "sub" }, note(person))),
  person.unread ? h("span", { class: "badge" }, String(person.unread)) : null));
  const name = h("input", { placeholder: "New person", "aria-label": "Name of a new person", maxlength: "64" });
  const add = async (event) => {
    event.preventDefault();
    const [first, ...last] = name.value.trim().split(/\s+/);
    if (!first) return;
    const { id } = await post("people", { first_name: first, last_name: last.join(" ") || null });
    await pick(id);
  };
  dialog.append(
    h("h2", {}, "Whose phone is this?"),
    h("p", {}, "You type as this person. Everybody has a private chat with the bot."),
    h("ul", {}, store.phone.people.map(row)),
    h("form", { onsubmit: add }, name, h("button", { type: "submit" }, "Add")),
  );
  show(dialog);
}

function note(person) {
  const groups = person.id === store.me ? "on this phone now" : person.username ? `@${person.username}` : `id ${person.id}`;
  if (person.blocked) return `${groups} · blocked the bot`;
  return person.started ? groups : `${groups} · never wrote to the bot`;
}

export function show(dialog) {
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

export const botMenu = (chat) => get(`menu?person=${store.me}&chat=${chat}`);
