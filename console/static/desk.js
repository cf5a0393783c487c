// The owner's desk: conversations, drafts that wait, one conversation, and a person's acts upon it.
import { $, clock, el, grow, keep, number, pin, sendOnEnter, tick, toast } from "./dom.js";
import { act, get } from "./net.js";
import { show as showWhy } from "./why.js";

const AUTHORS = { contact: "Customer", ai: "Assistant", human: "You", system: "Automatic" };

export class Desk {
  /** `moved` is called after an act: time to look. `goTo` shows a pane on a small screen. */
  constructor(moved, goTo) {
    this.moved = moved;
    this.goTo = goTo;
    this.fit = grow($("words"));
    this.end = pin($("lines"));
    sendOnEnter($("words"), $("reply"));
    $("reply").addEventListener("submit", (event) => this.reply(event));
    $("take").addEventListener("click", () => this.own($("take"), "takeover", "You answer now."));
    $("release").addEventListener("click", () => this.own($("release"), "release", "The assistant answers again."));
    $("waiting").addEventListener("click", () => this.choose(this.drafts.at(-1).conversation_id));
    $("back").addEventListener("click", () => goTo("list"));
  }

  open(business, me) {
    this.business = business;
    this.me = me;
    this.chosen = null; // null: whichever conversation the phone is in
    this.turn = null; // null: the newest
    this.drafts = [];
    this.conversation = null;
    for (const id of ["list", "lines", "draft"]) $(id).replaceChildren();
    this.show({ conversations: [], drafts: [], conversation: null });
  }

  async read() {
    const { business, me, chosen } = this;
    const query = { ws: business.slug, number: me, ...(chosen && { conversation: chosen }) };
    const said = await get("/phone/desk", query);
    if (business === this.business && me === this.me && chosen === this.chosen) this.show(said);
  }

  /** Whether the assistant is about to answer this phone. */
  thinking(said) {
    return said.conversations.some((one) => one.number === this.me && one.thinking && one.owner === "ai");
  }

  show(said) {
    this.said = said;
    this.drafts = said.drafts;
    this.conversation = said.conversation;
    const open = said.conversation?.id;
    const listed = said.conversations.map(({ state, ...one }) => ({ ...one, closed: state === "closed", here: one.id === open, me: one.number === this.me }));
    keep($("list"), listed, (one) => one.id, (one) => this.entry(one));
    $("list-empty").hidden = listed.length > 0;
    const count = said.drafts.length;
    $("waiting").hidden = !count;
    $("waiting").textContent = count === 1 ? "1 draft waits for you" : `${count} drafts wait for you`;
    $("view-count").hidden = !count;
    $("view-count").textContent = `${count}`;
    this.showThread();
  }

  entry(one) {
    const said = one.last ? `${one.last.author === "contact" ? "" : `${AUTHORS[one.last.author]}: `}${one.last.text || "Picture"}` : "";
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "entry", "data-focus": "open", "aria-current": one.here ? "true" : null, onclick: () => this.choose(one.id) },
        el("strong", { dir: "auto" }, one.name ?? number(one.number)),
        el("span", { class: "last", dir: "auto" }, said),
        el(
          "span",
          { class: "marks" },
          clock(one.updated_at),
          one.draft ? mark("draft waits", "draft") : null,
          one.owner === "human" ? mark("with a person", "human") : null,
          one.me ? mark("this phone") : null,
          one.closed ? mark("closed") : null,
        ),
      ),
    );
  }

  choose(id) {
    this.chosen = id;
    this.turn = null;
    this.goTo("thread");
    this.moved();
  }

  showThread() {
    const one = this.conversation;
    $("who").textContent = one ? (one.name ?? number(one.number)) : "No conversation";
    $("owner").textContent = one ? owner(one) : "";
    $("take").hidden = !one || one.owner === "human" || one.state === "closed";
    $("release").hidden = !one || one.owner !== "human" || one.state === "closed";
    $("reply").hidden = !one || one.state === "closed";
    const turns = new Set(one?.turns.map((turn) => turn.id));
    const lines = (one?.messages ?? []).map(({ delivery, ...line }) => ({
      ...line,
      why: turns.has(line.turn_id),
      lit: line.turn_id != null && line.turn_id === this.turn,
      state: delivery?.state,
      detail: delivery?.error_code ? `error ${delivery.error_code}` : delivery?.because,
    }));
    if (one?.id !== this.shown) this.end.stay();
    this.shown = one?.id;
    keep($("lines"), lines, (line) => line.id, (line) => this.line(line));
    this.end.settle();
    const draft = this.drafts.filter((other) => other.conversation_id === one?.id);
    keep($("draft"), draft, (other) => `${other.id}/${other.version}`, (other) => this.card(other));
    const turn = one?.turns.find((other) => other.id === this.turn) ?? one?.turns[0];
    showWhy(turn, one?.fields);
  }

  line(line) {
    return el(
      "div",
      { class: `line line-${line.author}${line.lit ? " lit" : ""}` },
      el("p", { class: "by" }, line.author === "ai" && line.edited ? "Assistant, approved by you" : AUTHORS[line.author]),
      line.text ? el("p", { dir: "auto" }, line.text) : null,
      ...line.attachments.map((one) => el("p", { class: "file" }, `${one.type}, ${one.state}${one.because ? `: ${one.because}` : ""}`)),
      el("small", {}, clock(line.at), line.state ? tick(line.state, line.detail) : null, line.why ? this.whyButton(line.turn_id) : null),
    );
  }

  whyButton(turn) {
    return el("button", { type: "button", class: "plain", "data-focus": "why", onclick: () => this.explain(turn) }, "Why?");
  }

  explain(turn) {
    this.turn = turn;
    this.showThread();
    this.goTo("why");
  }

  card(draft) {
    const words = el("textarea", { "aria-label": "The draft’s words", rows: 4, maxlength: 1600, hidden: true });
    const note = el("input", { "aria-label": "Reason for rejecting (may stay empty)", placeholder: "Reason (may stay empty)", maxlength: 300, hidden: true });
    const text = el("p", { class: "words", dir: "auto" }, draft.text);
    const approve = el("button", { type: "button", class: "strong" }, "Approve");
    const edit = el("button", { type: "button" }, "Edit & approve");
    const reject = el("button", { type: "button" }, "Reject");
    const cancel = el("button", { type: "button", class: "plain", hidden: true }, "Cancel");
    const fit = grow(words, 260);
    let mode = "read";
    const turnTo = (next) => {
      mode = next;
      words.hidden = next !== "edit";
      text.hidden = next === "edit";
      note.hidden = next !== "reject";
      approve.hidden = next === "reject";
      edit.hidden = next !== "read";
      reject.hidden = next === "edit";
      cancel.hidden = next === "read";
      approve.textContent = next === "edit" ? "Send edited" : "Approve";
      reject.classList.toggle("danger", next === "reject");
    };
    edit.addEventListener("click", () => {
      words.value = draft.text;
      turnTo("edit");
      fit();
      words.focus();
    });
    reject.addEventListener("click", () => {
      if (mode !== "reject") return turnTo("reject"), note.focus();
      this.decide(card, draft, "reject", note.value.trim() ? { reason: note.value.trim() } : {}, "Rejected. Nothing was sent.");
    });
    cancel.addEventListener("click", () => {
      const back = mode === "edit" ? edit : reject;
      turnTo("read");
      back.focus();
    });
    approve.addEventListener("click", () => {
      const edited = mode === "edit" && words.value.trim() !== draft.text ? { text: words.value.trim() } : {};
      this.decide(card, draft, "approve", edited, "Approved. It is on its way.");
    });
    const head = el("p", { class: "by" }, el("strong", {}, "Draft waits for you"), ` ${draft.because} `, this.whyButton(draft.turn_id));
    const card = el("section", { class: "card", "aria-label": "Draft" }, head, text, words, note, el("div", { class: "acts" }, approve, edit, reject, cancel));
    return card;
  }

  async decide(card, draft, verb, body, done) {
    const buttons = [...card.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    if (!(await this.act(`drafts/${draft.id}/${verb}`, body, done, draft.version))) for (const button of buttons) button.disabled = false;
    $("words").focus({ preventScroll: true });
  }

  async own(button, verb, done) {
    button.disabled = true;
    await this.act(`conversations/${this.conversation.id}/${verb}`, {}, done);
    button.disabled = false;
  }

  async reply(event) {
    event.preventDefault();
    const text = $("words").value.trim();
    if (!text || !this.conversation) return;
    $("words").value = "";
    this.fit();
    if (!(await this.act(`conversations/${this.conversation.id}/messages`, { text }, ""))) $("words").value = text;
    this.fit();
    this.end.stay();
  }

  async act(path, body, done, version = null) {
    try {
      await act(this.business, path, body, version);
      if (done) toast(done);
      return true;
    } catch (problem) {
      toast(problem.message);
      return false;
    } finally {
      this.moved();
    }
  }
}

const mark = (words, kind) => el("span", { class: `mark mark-${kind ?? "plain"}` }, words);

function owner(one) {
  if (one.state === "closed") return "Closed";
  if (one.owner === "ai") return one.thinking ? "The assistant is answering…" : "The assistant answers";
  const until = one.paused_until ? ` until ${clock(one.paused_until)}` : "";
  return `With a person${until}${one.because ? `: ${one.because}` : ""}`;
}
