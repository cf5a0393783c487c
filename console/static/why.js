// Why the assistant answered as it did: understood, found, decided; and what it knows of the customer.
import { $, el } from "./dom.js";

const ACTIONS = { send: "Sent", draft: "Asked a person first", handoff: "Handed to a person", silence: "Said nothing" };

export const plain = (name) => name.replaceAll("_", " ");

const percent = (share) => `${Math.round(share * 100)} %`;

let shown = "";

export function show(turn, fields) {
  const print = JSON.stringify([turn?.id, fields]);
  if (print === shown) return;
  shown = print;
  if (!turn && !fields?.length) {
    const words = "Once the assistant has answered, this says what it understood, what it found and how it decided.";
    $("why").replaceChildren(el("p", { class: "empty" }, words));
    return;
  }
  $("why").replaceChildren(...(turn ? [decided(turn), understood(turn), found(turn), steps(turn)] : []), known(fields));
}

function decided(turn) {
  const why = turn.because ? el("p", { class: "quiet" }, `Because ${turn.because}.`) : null;
  const took = turn.took_ms == null ? null : el("p", { class: "quiet" }, `Took ${turn.took_ms} ms.`);
  return el("section", {}, el("h4", {}, "Decision"), el("p", { class: `verdict verdict-${turn.action}` }, ACTIONS[turn.action] ?? plain(turn.action ?? "none")), why, took);
}

function understood(turn) {
  const share = turn.confidence ?? 0;
  const rows = [
    ["Runner-up", turn.runner_up && plain(turn.runner_up.replace(/\s[\d.]+$/, (share) => `, ${percent(Number(share))}`))],
    ["Nearest example", turn.nearest && `“${turn.nearest}”`],
    ["Language", turn.language && language(turn.language)],
  ];
  return el(
    "section",
    {},
    el("h4", {}, "Understood"),
    el("p", { class: "intent" }, el("strong", {}, plain(turn.intent ?? "nothing")), ` ${percent(share)} sure`),
    el("meter", { min: 0, max: 1, value: share, "aria-label": "Confidence" }, percent(share)),
    facts(rows.filter(([, value]) => value)),
  );
}

function language(code) {
  return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
}

function facts(rows) {
  return el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)]));
}

function found(turn) {
  const passages = turn.passages.map((one, at) =>
    el(
      "li",
      {},
      el(
        "details",
        { open: at === 0 },
        el("summary", {}, el("strong", {}, one.heading || one.source), el("span", { class: "score" }, percent(one.score ?? 0))),
        el("p", { dir: "auto" }, one.text),
        el("p", { class: "quiet" }, one.source),
      ),
    ),
  );
  const none = el("p", { class: "quiet" }, "Nothing was looked up in the documents.");
  return el("section", {}, el("h4", {}, "Found in the documents"), passages.length ? el("ol", { class: "passages" }, ...passages) : none);
}

function steps(turn) {
  if (!turn.notes.length) return "";
  return el("section", {}, el("h4", {}, "Step by step"), el("ol", { class: "steps" }, ...turn.notes.map((note) => el("li", { dir: "auto" }, note))));
}

function known(fields) {
  if (!fields?.length) return "";
  const rows = fields.map((one) => [plain(one.name), `${value(one.value)} (${one.source === "human" ? "set by a person" : percent(one.confidence)})`]);
  return el("section", {}, el("h4", {}, "Knows of this customer"), facts(rows));
}

function value(what) {
  if (Array.isArray(what)) return what.map(value).join(", ");
  if (what && typeof what === "object") return Object.entries(what).map(([key, one]) => `${plain(key)} ${value(one)}`).join(", ");
  return String(what);
}
