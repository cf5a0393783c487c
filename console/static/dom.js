// Making and updating elements. Strangers' words only ever become text nodes, never markup.

export const $ = (id) => document.getElementById(id);

/** el("p", {class: "quiet", hidden: true, onclick: f}, "words", child, null) */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** One child per item, in order; a child is made again only when its item has changed, and focus stays. */
export function keep(parent, items, keyOf, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const print = JSON.stringify(item);
    const there = old.get(key);
    if (there?.print === print) return there;
    const node = make(item);
    node.dataset.key = key;
    node.print = print;
    if (there?.contains(document.activeElement)) refocus(there, node);
    return node;
  });
  const staying = new Set(wanted);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  wanted.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
}

function refocus(old, node) {
  const name = document.activeElement.dataset.focus;
  queueMicrotask(() => (name ? node.querySelector(`[data-focus="${CSS.escape(name)}"]`) : node)?.focus());
}

/** Runs `change`, and stays at the end of the scroll if it was there. */
export function atEnd(box, change) {
  const near = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  change();
  if (near) box.scrollTop = box.scrollHeight;
}

export function grow(area) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, 140)}px`;
  };
  area.addEventListener("input", fit);
  return fit;
}

/** Enter sends, Shift+Enter is a new line; not while an input method composes. */
export function sendOnEnter(area, form) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

const CLOCK = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit" });

export const clock = (at) => CLOCK.format(new Date(at));

export function number(e164) {
  const us = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(e164);
  return us ? `(${us[1]}) ${us[2]}-${us[3]}` : e164;
}

const TICKS = {
  sending: ["clock", "sending"],
  queued: ["clock", "queued"],
  accepted: ["clock", "queued"],
  unknown: ["clock", "being checked"],
  sent: ["sent", "sent"],
  delivered: ["delivered", "delivered"],
  received: ["delivered", "delivered"],
  read: ["delivered", "read"],
  failed: ["failed", "failed"],
  undelivered: ["failed", "not delivered"],
  cancelled: ["failed", "not sent"],
  canceled: ["failed", "not sent"],
};

/** How far a message has come, as a sign and in words. */
export function tick(state, detail) {
  const [sign, words] = TICKS[state] ?? ["clock", state];
  const said = detail ? `${words} (${detail})` : words;
  return el("span", { class: `tick tick-${sign}` }, icon(sign), said);
}

let forgetting;

export function toast(words) {
  $("toast").textContent = words;
  $("toast").classList.add("shown");
  clearTimeout(forgetting);
  forgetting = setTimeout(() => $("toast").classList.remove("shown"), 6000);
}
