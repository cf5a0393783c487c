// The page: which business, which number, which view, and the clock that looks for news.
import { $, el } from "./dom.js";
import { Desk } from "./desk.js";
import { Handset, isNumber, newNumber } from "./handset.js";
import { get } from "./net.js";

const EVERY = 1000;
const HIDDEN = 15_000;
const LONGEST = 8000;

const handset = new Handset(look);
const desk = new Desk(look, goTo);
let businesses = [];
let timer;
let looking = false;
let again = false;
let failures = 0;

function memory(name, value) {
  try {
    if (value !== undefined) sessionStorage.setItem(name, value);
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return ""; // storage may be forbidden; the page works without it
  }
}

/** Look now, and then every second. */
function look() {
  clearTimeout(timer);
  if (looking) again = true;
  else void round();
}

async function round() {
  looking = true;
  again = false;
  try {
    if (!businesses.length) await begin();
    if (businesses.length) await Promise.all([handset.read(), desk.read()]);
    handset.think(desk.said ? desk.thinking(desk.said) : false);
    failures = 0;
    trouble("");
  } catch (problem) {
    failures += 1;
    trouble(problem.message || String(problem));
  }
  looking = false;
  timer = setTimeout(look, again ? 0 : pause());
}

function pause() {
  if (failures) return Math.min(LONGEST, EVERY * 2 ** (failures - 1));
  return document.hidden ? HIDDEN : EVERY;
}

/** The first miss may be a hiccup; from the second on it is said. */
function trouble(words) {
  const lost = failures > 1;
  const shown = lost ? `${words} Trying again.` : "";
  $("trouble").hidden = !lost;
  if ($("trouble").textContent !== shown) $("trouble").textContent = shown;
  const state = lost ? "Connection lost" : businesses.length ? "Connected" : "Connecting…";
  if ($("link").textContent !== state) $("link").textContent = state;
  $("link").classList.toggle("lost", lost);
}

async function begin() {
  businesses = (await get("/phone/state")).businesses;
  $("business").replaceChildren(...businesses.map((one) => el("option", { value: one.slug }, one.name)));
  if (!businesses.length) return;
  const asked = new URLSearchParams(location.search).get("w") || memory("business");
  if (businesses.some((one) => one.slug === asked)) $("business").value = asked;
  $("me").value = memory("me") || newNumber();
  open();
}

function open() {
  const me = $("me").value.replace(/[\s().-]/g, "");
  $("me-wrong").hidden = isNumber(me);
  $("me").setAttribute("aria-invalid", String(!isNumber(me)));
  if (!isNumber(me)) return;
  const business = businesses.find((one) => one.slug === $("business").value);
  memory("me", me);
  memory("business", business.slug);
  $("me").value = me;
  handset.open(business, me);
  desk.open(business, me);
}

function goTo(pane) {
  if (pane === "list" || pane === "thread") document.body.dataset.pane = pane;
  press("thread", pane === "why" ? "why" : "lines");
  if (pane === "list") $("list").querySelector("[aria-current]")?.focus();
}

/** One of a group of buttons is pressed, and the body says which; CSS does the rest. */
function press(group, value) {
  document.body.dataset[group] = value;
  for (const button of document.querySelectorAll(`[data-${group}-button]`)) {
    button.setAttribute("aria-pressed", String(button.dataset[`${group}Button`] === value));
  }
}

for (const group of ["view", "thread"]) {
  for (const button of document.querySelectorAll(`[data-${group}-button]`)) {
    button.addEventListener("click", () => press(group, button.dataset[`${group}Button`]));
  }
}

function openAndLook() {
  open();
  look();
}

$("business").addEventListener("change", openAndLook);
$("me").addEventListener("change", openAndLook);
$("me-new").addEventListener("click", () => {
  $("me").value = newNumber();
  openAndLook();
});
document.addEventListener("visibilitychange", () => document.hidden || look());
window.addEventListener("online", look);
look();
