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

/**
 * One child per item, in order; a child is made again only when its item has changed, and focus stays.
 * Of an item whose `state` alone moved on, only the tick changes: what reads the page aloud is not told twice.
 */
export function keep(parent, items, keyOf, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const { state, detail, ...rest } = item;
    const print = JSON.stringify(rest);
    const there = old.get(key);
    if (there?.print === print && retick(there, state, detail)) return there;
    const node = make(item);
    node.dataset.key = key;
    node.print = print;
    node.state = JSON.stringify([state, detail]);
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

/** Keeps a scrolling box at its end, unless the reader has scrolled away from it. */
export function pin(box) {
  let pinned = true;
  const settle = () => pinned && (box.scrollTop = box.scrollHeight);
  box.addEventListener("scroll", () => (pinned = box.scrollHeight - box.scrollTop - box.clientHeight < 60));
  box.addEventListener("load", settle, true); // pictures arrive late
  new ResizeObserver(settle).observe(box);
  return {
    settle,
    stay() {
      pinned = true;
      settle();
    },
  };
}

/** A text area as high as its words, up to `most` pixels. */
export function grow(area, most = 140) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight + 2, most)}px`;
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
  const node = el("span", {}, icon("clock"), "…");
  set(node, state, detail);
  return node;
}

function set(node, state, detail) {
  const [sign, words] = TICKS[state] ?? ["clock", state];
  node.className = `tick tick-${sign}`;
  node.querySelector("use").setAttribute("href", `#i-${sign}`);
  node.lastChild.data = detail ? `${words} (${detail})` : words;
}

/** False when more than the tick must change. */
function retick(node, state, detail) {
  const now = JSON.stringify([state, detail]);
  if (node.state === now) return true;
  const there = node.querySelector(".tick");
  if (!there || state === "failed" || node.state.startsWith('["failed"')) return false;
  set(there, state, detail);
  node.state = now;
  return true;
}

let forgetting;

export function toast(words) {
  $("toast").textContent = words;
  $("toast").classList.add("shown");
  clearTimeout(forgetting);
  forgetting = setTimeout(() => $("toast").classList.remove("shown"), 6000);
}
