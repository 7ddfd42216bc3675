// Turns text with entities (offsets in UTF-16 units, as in JavaScript) into elements.

import { h } from "./dom.js";
import { store } from "./store.js";

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);
const PLAIN = { bold: "b", italic: "i", underline: "u", strikethrough: "s" };

/** `act` has: command(text), start(payload). */
export function words(text, entities, act) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, 0, text.length, sorted, act);
}

function build(text, from, to, entities, act) {
  const parts = [];
  let at = from;
  let rest = entities;
  while (rest.length) {
    const [first, ...others] = rest;
    const end = Math.min(first.offset + first.length, to);
    if (first.offset > at) parts.push(text.slice(at, first.offset));
    const inside = others.filter((e) => e.offset < end);
    rest = others.filter((e) => e.offset >= end);
    parts.push(element(first, text.slice(first.offset, end), build(text, first.offset, end, inside, act), act));
    // A block ends its line by itself.
    at = BLOCKS.has(first.type) && text[end] === "\n" ? end + 1 : end;
  }
  if (at < to) parts.push(text.slice(at, to));
  return parts;
}

function element(entity, said, children, act) {
  switch (entity.type) {
    case "bold": case "italic": case "underline": case "strikethrough":
      return h(PLAIN[entity.type], {}, children);
    case "code":
      return h("code", { title: "Copy", onclick: () => navigator.clipboard?.writeText(said) }, children);
    case "pre":
      return h("pre", {}, children);
    case "blockquote":
      return h("blockquote", {}, children);
    case "expandable_blockquote":
      return h("blockquote", { class: "folded", onclick: (e) => e.currentTarget.classList.toggle("folded") }, children);
    case "spoiler":
      return h("span", { class: "spoiler", onclick: (e) => e.currentTarget.classList.add("shown") }, children);
    case "text_link": case "url":
      return link(entity.url || said, children, act);
    case "email":
      return h("a", { href: `mailto:${said}` }, children);
    case "bot_command":
      return h("button", { type: "button", onclick: () => act.command(said) }, children);
    case "mention": case "text_mention": case "hashtag": case "cashtag":
      return h("a", {}, children);
    default:
      return h("span", {}, children);
  }
}

/** A link to our own bot stays on the page; others open beside it. */
export function link(url, children, act) {
  const payload = startPayload(url);
  if (payload !== null) return h("button", { type: "button", onclick: () => act.start(payload) }, children);
  const safe = /^(https?|mailto):/i.test(url) ? url : `http://${url}`;
  return h("a", { href: safe, target: "_blank", rel: "noreferrer noopener" }, children);
}

export function startPayload(url) {
  const found = /^(?:https?:\/\/)?t\.me\/([A-Za-z0-9_]+)(?:\?start=([\w-]*))?$/.exec(url);
  if (!found || found[1].toLowerCase() !== store.phone.bot.username.toLowerCase()) return null;
  return found[2] || "";
}
