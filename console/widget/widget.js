// Frontdesk web chat. One tag on any page:
//   <script src="https://desk.example/widget.js" data-channel="CHANNEL-ID" defer></script>
// Optional: data-lang="es", data-color="#0f766e". The host page's policy needs our origin in script-src and connect-src.
// What customers and the assistant write is only ever set as textContent.
(() => {
  "use strict";
  const script = document.currentScript;
  const BASE = new URL(script?.src || location.href).origin;
  const WORDS = {
    en: {
      open: "Open chat", close: "Close chat", write: "Write a message", send: "Send", attach: "Attach a file",
      failed: "Not sent. Tap to try again", sending: "Sending…", lost: "Connection lost. Trying again…", person: "A person is answering",
      machine: "Automated assistant", typing: "is writing", file: "File", large: "The file is too large (8 MB at most)",
      type: "This type of file cannot be sent", away: "The chat is not available just now", unread: "unread messages", you: "You", them: "Reply",
      code: "If a code can be sent there, it is on its way. Type the six digits here.", known: "Thank you: we know it is you.",
      wrong: "That is not the code.", late: "This code has expired. Type /verify and your number again.",
      noCode: "No code can be sent there. Type /verify and your telephone number.", much: "Too many tries. Please wait a while.",
    },
    es: {
      open: "Abrir chat", close: "Cerrar chat", write: "Escribe un mensaje", send: "Enviar", attach: "Adjuntar un archivo",
      failed: "No se envió. Toca para reintentar", sending: "Enviando…", lost: "Sin conexión. Reintentando…", person: "Responde una persona",
      machine: "Asistente automático", typing: "está escribiendo", file: "Archivo", large: "El archivo es demasiado grande (máximo 8 MB)",
      type: "Este tipo de archivo no se puede enviar", away: "El chat no está disponible ahora", unread: "mensajes sin leer", you: "Tú", them: "Respuesta",
      code: "Si se puede enviar un código, está en camino. Escribe aquí los seis dígitos.", known: "Gracias: ya sabemos quién eres.",
      wrong: "Ese no es el código.", late: "El código ha caducado. Escribe /verify y tu número otra vez.",
      noCode: "No se puede enviar un código ahí. Escribe /verify y tu número de teléfono.", much: "Demasiados intentos. Espera un rato.",
    },
  };
  const CSS_TEXT = `
:host{all:initial!important;display:block!important;position:fixed!important;right:0!important;bottom:0!important;z-index:2147483000!important}
.root{all:initial;--c:#0f766e;--bg:#fff;--fg:#16202a;--soft:#eef2f4;--line:#d9e0e4;--dim:#5b6a75;--bad:#b42318;font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--fg);color-scheme:light}
@media(prefers-color-scheme:dark){.root{--bg:#151c22;--fg:#e7edf1;--soft:#26323b;--line:#33414b;--dim:#9fb0bb;--bad:#ff8a7a;color-scheme:dark}}
*,*::before{box-sizing:border-box}
[hidden]{display:none!important}
button,textarea{font:inherit;color:inherit;background:none;border:0;margin:0}
button{cursor:pointer;min-width:44px;min-height:44px;display:inline-flex;align-items:center;justify-content:center;padding:0}
:focus-visible{outline:3px solid #2dd4bf;outline-offset:2px}
svg{width:22px;height:22px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.fab{position:fixed;right:max(16px,env(safe-area-inset-right));bottom:max(16px,env(safe-area-inset-bottom));width:60px;height:60px;border-radius:50%;background:var(--c);color:#fff;box-shadow:0 6px 20px #0005}
.fab svg{width:28px;height:28px}
.badge{position:absolute;top:-4px;right:-4px;min-width:24px;height:24px;padding:0 6px;border-radius:12px;background:#c81e1e;color:#fff;font:700 13px/24px system-ui,sans-serif;text-align:center}
.box{position:fixed;right:16px;bottom:92px;width:384px;height:min(620px,calc(100dvh - 116px));display:flex;flex-direction:column;overflow:hidden;border-radius:16px;background:var(--bg);border:1px solid var(--line);box-shadow:0 12px 40px #0006}
header{display:flex;align-items:center;gap:8px;padding:10px 8px 10px 18px;background:var(--c);color:#fff}
header div{flex:1;min-width:0}
header b{display:block;font-weight:650;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
header small{display:block;font-size:13px;opacity:.92}
.trouble{padding:8px 18px;background:#fdf0d5;color:#5c3c00;font-size:14px}
.log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:16px;display:flex;flex-direction:column;gap:4px}
.m{max-width:84%;align-self:flex-start;display:flex;flex-direction:column;align-items:flex-start}
.m+.m{margin-top:2px}.m.turn{margin-top:12px}
.b{padding:9px 14px;border-radius:18px;background:var(--soft);white-space:pre-wrap;overflow-wrap:anywhere;text-align:start;min-height:0;display:block}
.them .b{border-bottom-left-radius:6px}
.me{align-self:flex-end;align-items:flex-end}.me .b{background:var(--c);color:#fff;border-bottom-right-radius:6px}
.wait .b{opacity:.7}.fail .b{background:var(--soft);color:var(--fg);box-shadow:inset 0 0 0 2px var(--bad)}
.m small,.m .again{font-size:12.5px;color:var(--dim);padding:2px 6px}.m .again{color:var(--bad);min-height:32px}
.f{display:flex;gap:6px;align-items:center}.f svg{width:18px;height:18px;flex:none}
.q{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0 4px}.q button{border:1.5px solid var(--c);border-radius:22px;padding:0 16px}
.dots{display:flex;gap:5px;padding:14px;border-radius:18px;border-bottom-left-radius:6px;background:var(--soft);align-self:flex-start;margin-top:12px}
.dots i{width:7px;height:7px;border-radius:50%;background:var(--dim);animation:d 1.2s infinite}.dots i:nth-child(2){animation-delay:.2s}.dots i:nth-child(3){animation-delay:.4s}
@keyframes d{30%{transform:translateY(-4px)}60%{transform:none}}
@media(prefers-reduced-motion:reduce){.dots i{animation:none}}
form{display:flex;align-items:flex-end;gap:4px;padding:8px;border-top:1px solid var(--line)}
textarea{flex:1;min-width:0;resize:none;padding:10px 12px;margin:0 4px;max-height:132px;height:44px;line-height:24px;border-radius:12px;background:var(--soft)}textarea:focus-visible{outline:2px solid var(--c);outline-offset:-1px}
textarea::placeholder{color:var(--dim);opacity:1}
.go{background:var(--c);color:#fff;border-radius:50%}.go:disabled{opacity:.45;cursor:default}
@media(max-width:520px){.box{inset:0;width:auto;height:100dvh;border:0;border-radius:0;padding-bottom:env(safe-area-inset-bottom)}.open .fab{display:none}header{padding-top:max(10px,env(safe-area-inset-top))}}`;
  const ICONS = {
    chat: "M21 11.5a8.4 8.4 0 0 1-12.3 7.4L3 21l2.1-5.700A8.400 8.400 0 1 1 21 11.500z", close: "M6 6l12 12M18 6L6 18",
    send: "M5 12h14M13 6l6 6-6 6", clip: "M20 11.500l-8.300 8.300a5.300 5.300 0 0 1-7.500-7.500l8.800-8.800a3.500 3.500 0 0 1 5 5l-8.800 8.800a1.800 1.800 0 0 1-2.500-2.500l7.800-7.800",
  };
  const KEEP = 60, ACK_MS = 12000, FATAL = new Set(["too_long", "empty", "bad_frame", "no_such_file", "already_sent"]);

  const make = (tag, props = {}, ...kids) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) name in node ? (node[name] = value) : node.setAttribute(name, value);
    node.append(...kids);
    return node;
  };
  const icon = (name) => {
    const ns = "http://www.w3.org/2000/svg", svg = document.createElementNS(ns, "svg"), path = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };
  const newId = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  class Chat extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      this.channel = this.getAttribute("channel") || script?.dataset.channel;
      const asked = this.getAttribute("lang") || script?.dataset.lang || document.documentElement.lang || navigator.language;
      this.lang = asked.slice(0, 2).toLowerCase();
      this.t = WORDS[this.lang] || WORDS.en;
      this.at = `${BASE}/channels/${this.channel}`;
      this.kept = this.recall();
      this.seq = 0; // of the last message shown
      this.unsent = new Map(); // id → {id, text, attachments, name, node}
      this.drawn = new Set(); // ids of our own messages that have a bubble
      this.tries = 0;
      this.draw();
      for (const one of this.kept.unsent) this.queue(one);
      if (this.kept.token) this.start();
    }

    // --- what is kept in the browser, for this channel ---

    recall() {
      const empty = { token: "", read: 0, unsent: [] };
      try {
        return { ...empty, ...JSON.parse(localStorage.getItem(`frontdesk:${this.channel}`)) };
      } catch {
        return empty;
      }
    }

    keep(changes = {}) {
      Object.assign(this.kept, changes);
      this.kept.unsent = [...this.unsent.values()].map(({ id, text, attachments, name }) => ({ id, text, attachments, name }));
      try {
        localStorage.setItem(`frontdesk:${this.channel}`, JSON.stringify(this.kept));
      } catch {} // a private window: the chat lasts as long as the page
    }

    // --- what is seen ---

    draw() {
      const t = this.t, root = this.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS_TEXT);
      root.adoptedStyleSheets = [sheet];
      this.title_ = make("b", { textContent: "" });
      this.sub = make("small", { textContent: t.machine });
      this.trouble = make("div", { className: "trouble", role: "status", hidden: true });
      this.log = make("div", { className: "log", role: "log", "aria-live": "polite", tabIndex: 0, "aria-label": t.them });
      this.dots = make("div", { className: "dots", hidden: true, "aria-label": t.typing, role: "img" }, make("i"), make("i"), make("i"));
      this.log.append(this.dots);
      this.input = make("textarea", { rows: 1, placeholder: t.write, maxLength: 10000, "aria-label": t.write, enterKeyHint: "send" });
      this.input.addEventListener("input", () => this.grow());
      this.input.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.submit();
        }
      });
      this.go = make("button", { className: "go", "aria-label": t.send, disabled: true }, icon("send"));
      const pick = make("input", { type: "file", hidden: true, accept: "image/*,audio/*,video/*,application/pdf,text/plain" });
      pick.addEventListener("change", () => {
        if (pick.files[0]) this.upload(pick.files[0]);
        pick.value = "";
      });
      const form = make("form", {}, pick, make("button", { type: "button", "aria-label": t.attach, onclick: () => pick.click() }, icon("clip")), this.input, this.go);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.submit();
      });
      const close = make("button", { "aria-label": t.close, onclick: () => this.toggle(false) }, icon("close"));
      this.box = make("section", { className: "box", hidden: true, role: "dialog", "aria-label": t.open }, make("header", {}, make("div", {}, this.title_, this.sub), close), this.trouble, this.log, form);
      this.badge = make("span", { className: "badge", hidden: true });
      this.fab = make("button", { className: "fab", "aria-label": t.open, "aria-expanded": "false", onclick: () => this.toggle() }, icon("chat"), this.badge);
      this.root = make("div", { className: "root" }, this.box, this.fab);
      root.append(this.root);
      root.addEventListener("keydown", (event) => event.key === "Escape" && !this.box.hidden && this.toggle(false));
      document.addEventListener("visibilitychange", () => this.look());
      addEventListener("online", () => this.start(true));
    }

    toggle(open = this.box.hidden) {
      this.box.hidden = !open;
      this.root.classList.toggle("open", open);
      this.fab.setAttribute("aria-expanded", open);
      if (open) {
        this.start();
        this.look();
        this.input.focus();
        this.bottom(true);
      } else this.fab.focus();
      this.dispatchEvent(new CustomEvent(open ? "frontdesk:open" : "frontdesk:close", { bubbles: true, composed: true }));
    }

    grow() {
      this.go.disabled = !this.input.value.trim();
      this.input.style.height = "44px";
      this.input.style.height = `${Math.min(132, this.input.scrollHeight)}px`;
    }

    bottom(always) {
      const log = this.log;
      if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 160) log.scrollTop = log.scrollHeight;
    }

    bubble(mine, text, files) {
      const node = make("div", { className: `m ${mine ? "me" : "them"}` });
      if (text) node.append(make("div", { className: "b", textContent: text }));
      for (const file of files || []) node.append(make("div", { className: "b f" }, icon("clip"), make("span", { textContent: file })));
      const before = this.dots.previousElementSibling;
      if (!before || before.classList.contains("me") !== mine) node.classList.add("turn");
      this.log.insertBefore(node, this.dots);
      return node;
    }

    show(frame) {
      if (frame.seq <= this.seq) return;
      this.seq = frame.seq;
      const mine = frame.author === "visitor";
      const files = (frame.attachments || []).map((one) => `${this.t.file} · ${one.type}`);
      if (this.drawn.has(frame.id)) this.sent(frame.id);
      else this.bubble(mine, frame.text, files);
      if (!mine) {
        this.typing(false);
        this.log.querySelector(".q")?.remove();
        if (frame.buttons?.length) this.offer(frame.buttons);
        this.dispatchEvent(new CustomEvent("frontdesk:message", { bubbles: true, composed: true }));
      }
      if (!mine && frame.seq > this.kept.read) this.unread = (this.unread || 0) + 1;
      this.bottom(mine);
      this.look(true);
    }

    offer(buttons) {
      const row = make("div", { className: "q" });
      for (const one of buttons) row.append(make("button", { textContent: one.title, onclick: () => (row.remove(), this.say(one.title)) }));
      this.log.insertBefore(row, this.dots);
    }

    typing(on) {
      clearTimeout(this.quiet);
      this.dots.hidden = !on;
      if (on) {
        this.bottom();
        this.quiet = setTimeout(() => this.typing(false), 20000);
      }
    }

    /** What lies open before the visitor's eyes is read. */
    look(shown) {
      const watched = !this.box.hidden && document.visibilityState === "visible";
      if (watched) this.unread = 0;
      this.badge.hidden = !this.unread;
      this.badge.textContent = this.unread > 99 ? "99+" : this.unread || "";
      this.fab.setAttribute("aria-label", this.unread ? `${this.t.open}, ${this.unread} ${this.t.unread}` : this.t.open);
      if (watched && this.seq > this.kept.read) this.keep({ read: this.seq });
      if (!shown && !watched) return;
      clearTimeout(this.telling);
      this.telling = setTimeout(() => this.frame({ type: watched ? "read" : "ack", seq: this.seq }), 250);
    }

    say_(words) {
      this.trouble.textContent = words || "";
      this.trouble.hidden = !words;
    }

    // --- sending ---

    submit() {
      const text = this.input.value.trim();
      if (!text) return;
      this.input.value = "";
      this.grow();
      const number = /^\/verify\s+(.+)$/i.exec(text)?.[1];
      if (number) this.prove({ type: "verify", to: number });
      else if (this.proving && /^\d{3}[\s-]?\d{3}$/.test(text)) this.prove({ type: "code", code: text });
      else this.say(text);
    }

    // "/verify NUMBER": a code comes by text message, and typed here it shows whose number that is.
    async prove(frame) {
      await this.start();
      const headers = { Authorization: `Bearer ${this.kept.token}`, "Content-Type": "application/json" };
      const answer = await fetch(`${this.at}/chat`, { method: "POST", headers, body: JSON.stringify(frame) }).catch(() => null);
      const said = await answer?.json().catch(() => null);
      this.proving = said?.type === "verify" || said?.code === "wrong_code";
      const told = { verify: "code", verified: "known", wrong_code: "wrong", code_expired: "late", no_number: "noCode", no_way: "noCode", too_many_requests: "much" };
      this.bubble(false, this.t[told[said?.code || said?.type] || "away"], []);
      this.bottom(true);
    }

    say(text, attachments, name) {
      this.start();
      this.queue({ id: newId(), text, attachments, name });
      this.keep();
    }

    queue(one) {
      one.node = this.bubble(true, one.text, one.name ? [one.name] : []);
      this.unsent.set(one.id, one);
      this.drawn.add(one.id);
      this.bottom(true);
      this.attempt(one);
    }

    attempt(one) {
      one.node.className = one.node.className.replace(" fail", "").replace(" wait", "") + " wait";
      one.node.querySelector("small,.again")?.remove();
      clearTimeout(one.timer);
      one.timer = setTimeout(() => this.fail(one), ACK_MS);
      this.frame({ type: "message", id: one.id, text: one.text, attachments: one.attachments });
    }

    sent(id) {
      const one = this.unsent.get(id);
      if (!one) return;
      clearTimeout(one.timer);
      one.node.classList.remove("wait", "fail");
      one.node.querySelector("small,.again")?.remove();
      this.unsent.delete(id);
      this.keep();
    }

    fail(one) {
      if (!this.unsent.has(one.id)) return;
      clearTimeout(one.timer);
      one.node.classList.remove("wait");
      one.node.classList.add("fail");
      one.node.querySelector("small,.again")?.remove();
      one.node.append(make("button", { className: "again", textContent: this.t.failed, onclick: () => (this.start(true), this.attempt(one)) }));
      this.bottom();
    }

    async upload(file) {
      if (file.size > 8 * 1024 * 1024) return this.say_(this.t.large);
      await this.start();
      const body = new FormData();
      body.append("file", file, file.name);
      const answer = await fetch(`${this.at}/files`, { method: "POST", body, headers: { Authorization: `Bearer ${this.kept.token}` } }).catch(() => null);
      if (answer?.ok) return this.say("", [(await answer.json()).id], file.name);
      const code = (await answer?.json().catch(() => null))?.code;
      this.say_(code === "bad_type" ? this.t.type : code === "too_large" ? this.t.large : this.t.away);
      setTimeout(() => this.say_(""), 6000);
    }

    // --- the line: a socket; where none gets through, asking again and again ---

    start(now) {
      if (now) {
        clearTimeout(this.later);
        this.tries = 0;
        if (this.socket?.readyState > 1 || !this.socket) this.starting = null;
      }
      this.starting ??= this.connect().catch(() => this.again());
      return this.starting;
    }

    async connect() {
      const answer = await fetch(`${this.at}/sessions`, {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ token: this.kept.token, language: this.lang }),
      });
      if (answer.status === 403 || answer.status === 404) return this.say_(this.t.away);
      if (!answer.ok) throw new Error(answer.status);
      const session = await answer.json();
      if (session.last_seq < this.kept.read) this.keep({ read: 0 }); // somebody else now
      this.keep({ token: session.token });
      this.title_.textContent = session.business;
      const color = this.getAttribute("color") || script?.dataset.color || session.color;
      if (color) this.root.style.setProperty("--c", color);
      if (!this.greeted && session.last_seq <= KEEP) {
        this.greeted = true;
        if (session.greeting) this.log.prepend(make("div", { className: "m them turn" }, make("div", { className: "b", textContent: session.greeting })));
      }
      if (!this.seq && session.last_seq > KEEP) this.seq = session.last_seq - KEEP;
      this.fellBack ? this.poll() : this.open();
    }

    open() {
      const socket = (this.socket = new WebSocket(`${this.at.replace(/^http/, "ws")}/chat?after=${this.seq}`));
      let ready = false;
      socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token: this.kept.token }));
      socket.onmessage = (event) => {
        const frame = JSON.parse(event.data);
        if (frame.type === "ready") {
          ready = true;
          this.ready(frame);
          clearInterval(this.beat);
          this.beat = setInterval(() => {
            if (this.silent) return socket.close();
            this.silent = true;
            this.frame({ type: "ping" });
          }, frame.heartbeat_s * 1000);
        }
        this.take(frame);
      };
      socket.onclose = () => {
        if (socket !== this.socket) return;
        clearInterval(this.beat);
        if (!ready && ++this.refused > 2) this.fellBack = true; // a proxy that lets no socket through
        this.again();
      };
    }

    refused = 0;

    ready(frame) {
      this.tries = this.refused = 0;
      this.silent = false;
      this.say_("");
      this.owner(frame.owner);
      for (const one of this.unsent.values()) this.attempt(one);
      this.look();
    }

    again() {
      this.starting = null;
      this.tries += 1;
      if (this.tries > 1) this.say_(this.t.lost);
      clearTimeout(this.later);
      this.later = setTimeout(() => this.start(), Math.random() * Math.min(30000, 500 * 2 ** this.tries));
    }

    take(frame) {
      this.silent = false;
      switch (frame.type) {
        case "message": return this.show(frame);
        case "ack": return this.sent(frame.id);
        case "typing": return this.typing(true);
        case "status": return this.owner(frame.owner);
        case "error": return this.refuse(frame);
      }
    }

    refuse(frame) {
      const one = this.unsent.get(frame.id);
      if (!one) return;
      clearTimeout(one.timer);
      if (FATAL.has(frame.code)) return this.fail(one);
      one.timer = setTimeout(() => this.attempt(one), (frame.retry_after || 2) * 1000);
    }

    owner(who) {
      this.sub.textContent = who === "human" ? this.t.person : this.t.machine;
    }

    frame(frame) {
      if (this.fellBack) return void this.post(frame);
      if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
    }

    async post(frame) {
      if (!["message", "ack", "read"].includes(frame.type) || !this.kept.token) return;
      const headers = { Authorization: `Bearer ${this.kept.token}`, "Content-Type": "application/json" };
      if (frame.id) headers["Idempotency-Key"] = frame.id;
      const answer = await fetch(`${this.at}/chat`, { method: "POST", headers, body: JSON.stringify(frame) }).catch(() => null);
      if (frame.type !== "message") return;
      const said = await answer?.json().catch(() => null);
      if (answer?.ok) this.sent(frame.id);
      else this.refuse({ id: frame.id, code: said?.code, retry_after: Number(answer?.headers.get("Retry-After")) });
    }

    async poll() {
      this.ready({ owner: "ai" });
      try {
        for (;;) {
          const answer = await fetch(`${this.at}/chat?after=${this.seq}`, { headers: { Authorization: `Bearer ${this.kept.token}` }, cache: "no-store" });
          if (!answer.ok) throw new Error(answer.status);
          const said = await answer.json();
          this.owner(said.owner);
          said.frames.forEach((one) => this.show(one));
          await new Promise((done) => setTimeout(done, document.hidden ? 15000 : 2500));
        }
      } catch {
        this.again();
      }
    }
  }

  customElements.get("front-desk-chat") || customElements.define("front-desk-chat", Chat);
  if (script?.dataset.channel && !document.querySelector("front-desk-chat")) {
    const add = () => document.body.append(document.createElement("front-desk-chat"));
    document.body ? add() : addEventListener("DOMContentLoaded", add);
  }
})();
