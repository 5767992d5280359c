// One WebSocket to this server: opens it, keeps it, and tells apart "no key", "refused", "not reachable" and "ready".

const PATH = "v1/audio/speech/stream/ws";
const PROTOCOL = "auth.bearer.v1";
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const OPEN_TIMEOUT_MS = 10_000;
const POLICY_VIOLATION = 1008; // the server's code for a missing or wrong key, and for a foreign origin or host
const WORDS = {
  1001: "The server is shutting down.",
  1009: "The text is longer than the server takes in one message.",
  1013: "The server has no place for another connection just now.",
};
const UNREACHABLE = "The server cannot be reached.";
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/; // what a subprotocol name may consist of (RFC 9110 token)

export class Connection {
  // handlers: {onopen(), onready(), onmessage(object), onlost(words), onunauthorized(), onrefused(words)}
  constructor(handlers, key = "") {
    this.handlers = handlers;
    this.key = key;
    this.socket = null;
    this.ready = false; // a refusal also opens the socket first, so only the server's first message says "welcome"
    this.waiting = []; // [{resolve, reject}] of `whenReady()`
    this.retryMs = FIRST_RETRY_MS;
    this.retry = 0;
  }

  // What HTTP requests to this server need.
  get headers() {
    return this.key === "" ? {} : { Authorization: `Bearer ${this.key}` };
  }

  useKey(key) {
    this.key = key;
    this.disconnect();
    this.connect();
  }

  connect() {
    clearTimeout(this.retry);
    if (this.socket !== null) return;
    const socket = this.key === "" ? new WebSocket(address()) : keyed(this.key);
    this.socket = socket;
    const timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onopen = () => this.handlers.onopen();
    socket.onmessage = ({ data }) => {
      clearTimeout(timer);
      if (socket === this.socket) this.receive(data);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(timer);
      if (socket === this.socket) this.closed(code, reason);
    };
  }

  receive(data) {
    if (!this.ready) {
      this.ready = true;
      this.retryMs = FIRST_RETRY_MS;
      this.handlers.onready();
      this.waiting.splice(0).forEach(({ resolve }) => resolve());
    }
    if (typeof data === "string") this.handlers.onmessage(JSON.parse(data));
  }

  closed(code, reason) {
    this.socket = null;
    this.ready = false;
    if (code !== POLICY_VIOLATION) {
      const words = WORDS[code] ?? UNREACHABLE;
      this.giveUp(words);
      this.handlers.onlost(words);
      this.retry = setTimeout(() => this.connect(), this.retryMs);
      this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
    } else if (reason === "" || /key|unauthorized/i.test(reason)) {
      this.giveUp("This server needs an API key."); // trying the same key again would not help
      this.handlers.onunauthorized();
    } else {
      this.giveUp(reason); // nor would it here
      this.handlers.onrefused(reason);
    }
  }

  disconnect() {
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.giveUp("The connection was closed.");
    socket?.close(1000);
  }

  giveUp(words) {
    this.waiting.splice(0).forEach(({ reject }) => reject(new Error(words)));
  }

  // Resolves once the server answered, connecting at once if need be; rejects with words for a person.
  whenReady() {
    if (this.ready) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.connect();
    });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}

function address() {
  const url = new URL(PATH, document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return url;
}

// Browsers cannot set headers on a WebSocket; the key goes as a subprotocol, or in the address if it cannot be one.
function keyed(key) {
  if (TOKEN.test(key)) return new WebSocket(address(), [PROTOCOL, key]);
  const url = address();
  url.searchParams.set("api_key", key);
  return new WebSocket(url);
}
