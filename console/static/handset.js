// The customer's phone: what it shows, and what is sent from it.
import { $, clock, el, grow, keep, number, pin, sendOnEnter, tick, toast } from "./dom.js";
import { get, post } from "./net.js";

const LARGEST = 5_000_000;
const SETTLED = new Set(["delivered", "undelivered", "failed", "read", "received", "canceled"]);
const STARTERS = ["Hi! Are you open on Saturday?", "How much does it cost?", "Can I come in on Tuesday afternoon?", "I want to talk to a person"];
const AREAS = ["212", "312", "415", "512", "617", "702"];

export class Handset {
  /** `moved` is called when something was sent: time to look. */
  constructor(moved) {
    this.moved = moved;
    this.attachment = null;
    this.line = Promise.resolve(); // one text at a time leaves, in the order typed
    this.fit = grow($("text"));
    this.end = pin($("screen"));
    sendOnEnter($("text"), $("compose"));
    $("compose").addEventListener("submit", (event) => this.submit(event));
    $("attach").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => this.attach($("file").files[0]));
    $("text").addEventListener("paste", (event) => this.attach(event.clipboardData.files[0]));
    $("starters").querySelector("ul").append(...STARTERS.map((words) => this.starter(words)));
  }

  starter(words) {
    return el("li", {}, el("button", { type: "button", onclick: () => this.text(words, null) }, words));
  }

  open(business, me) {
    this.business = business;
    this.me = me;
    this.messages = new Map();
    this.sending = [];
    this.refused = new Set();
    $("screen").replaceChildren();
    this.end.stay();
    $("phone-name").textContent = business.name;
    $("phone-number").textContent = number(business.number);
  }

  /** Reads again only what can still change. */
  async read() {
    const { business, me } = this;
    const open = [...this.messages.values()].filter((one) => !SETTLED.has(one.status));
    const seen = Math.max(0, ...this.messages.keys());
    const after = Math.min(seen, ...open.map((one) => one.seq - 1));
    const said = await get("/phone/messages", { number: me, with: business.number, after });
    if (business !== this.business || me !== this.me) return;
    for (const one of said.messages) this.messages.set(one.seq, one);
    this.show();
  }

  /** Dots while a turn is due or running. */
  think(thinking) {
    if ($("typing").hidden !== thinking) return;
    $("typing").hidden = !thinking;
    this.end.settle();
  }

  show() {
    const there = new Set([...this.messages.values()].map((one) => one.sid));
    this.sending = this.sending.filter((one) => !there.has(one.sid));
    const shown = [...this.messages.values()].map((one) => this.seen(one)).concat(this.sending.map(({ again, ...one }) => one));
    keep($("screen"), shown, (one) => one.key, (one) => this.bubble(one));
    this.end.settle();
    $("starters").hidden = shown.length > 0;
  }

  seen(one) {
    const refused = this.refused.has(one.sid);
    return {
      key: one.sid,
      mine: one.direction === "out",
      text: one.body,
      at: one.at * 1000,
      state: refused ? "failed" : one.status,
      detail: refused ? "the business did not take it" : one.error_code ? `error ${one.error_code}` : "",
      pictures: one.media.map((media) => ({
        url: `/phone/media/${encodeURIComponent(this.business.slug)}/${one.sid}/${media.sid}`,
        name: media.name,
        shown: media.content_type.startsWith("image/"),
      })),
    };
  }

  bubble(one) {
    const said = one.mine ? "You" : this.business.name;
    const again = this.sending.find((other) => other.key === one.key)?.again;
    return el(
      "div",
      { class: `bubble ${one.mine ? "mine" : "theirs"}` },
      el("span", { class: "hidden" }, `${said}: `),
      ...one.pictures.map(picture),
      one.text ? el("p", { dir: "auto" }, one.text) : null,
      el(
        "small",
        {},
        clock(one.at),
        tick(one.state, one.detail),
        one.state === "failed" && again ? el("button", { type: "button", class: "plain", "data-focus": "again", onclick: again }, "Try again") : null,
      ),
    );
  }

  submit(event) {
    event.preventDefault();
    const words = $("text").value.trim();
    if (!words && !this.attachment) return;
    this.text(words, this.attachment);
    $("text").value = "";
    this.fit();
    this.attach(null);
    $("text").focus();
  }

  text(words, picture) {
    if (!this.business || !this.me) return toast("Choose a business and a number first.");
    const one = { key: crypto.randomUUID(), mine: true, text: words, at: Date.now(), state: "sending", detail: "", pictures: [] };
    if (picture) one.pictures.push({ url: picture.url, name: picture.name, shown: true });
    const body = { from: this.me, to: this.business.number, text: words, media: [] };
    if (picture) body.media.push({ content_type: picture.type, data_base64: picture.base64, name: picture.name });
    one.again = () => this.leave(one, body);
    this.sending.push(one);
    this.leave(one, body);
    this.end.stay();
  }

  leave(one, body) {
    one.state = "sending";
    one.detail = "";
    this.show();
    this.line = this.line.then(async () => {
      try {
        const said = await post("/phone/messages", body);
        one.sid = said.sid;
        one.state = said.delivered ? "delivered" : "failed";
        if (!said.delivered) this.refused.add(said.sid);
      } catch (problem) {
        one.state = "failed";
        one.detail = problem.message;
      }
      this.show();
      this.moved();
    });
  }

  async attach(file) {
    this.attachment = null;
    $("file").value = "";
    if (file && !file.type.startsWith("image/")) toast("Only pictures can be sent.");
    else if (file && file.size > LARGEST) toast("This picture is larger than 5 MB.");
    else if (file) this.attachment = { type: file.type, name: file.name, url: URL.createObjectURL(file), base64: await base64(file) };
    const picture = this.attachment;
    $("attached").hidden = !picture;
    if (!picture) return;
    const remove = el("button", { type: "button", class: "plain", onclick: () => this.attach(null) }, "Remove");
    $("attached").replaceChildren(el("img", { src: picture.url, alt: "" }), el("span", {}, picture.name || "Picture"), remove);
    $("text").focus();
  }
}

function picture(one) {
  const name = one.name || "Picture";
  return one.shown ? el("img", { src: one.url, alt: name }) : el("p", { class: "file" }, name);
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}

export const isNumber = (text) => /^\+[1-9]\d{7,14}$/.test(text);

/** From the range that is set aside for stories. */
export function newNumber() {
  const dice = crypto.getRandomValues(new Uint32Array(2));
  return `+1${AREAS[dice[0] % AREAS.length]}55501${String(dice[1] % 100).padStart(2, "0")}`;
}
