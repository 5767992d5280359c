// What the person asked to hear, as requests: one response, or several in a row where the server finds it too long for one.

// What separates words for the server (Python's str.split), so that both count alike.
const WORD = /[^\s\x1c-\x1f\x85]+/gu;
// Best places for a cut first; each matches the end of a word, closing quotes and brackets included.
const CUTS = [/[.!?…。！？।॥]["'”’»)\]]*$/u, /[,;:–—、，；：]["'”’»)\]]*$/u];

export class Utterance {
  // Speak `text` from `offset` on. request: the fields of response.create that every part has.
  constructor(id, askedAt, text, offset, request) {
    this.id = id;
    this.askedAt = askedAt;
    this.offset = offset;
    this.received = 0; // samples
    this.request = request;
    this.rest = [new Part(offset, text.slice(offset))];
    this.asked = 0;
    this.live = new Map(); // response id to its Part, until it ended
  }

  // The next message to send; null when all of it was asked for.
  next() {
    if (this.rest.length === 0) return null;
    const part = this.rest.shift();
    const id = this.asked === 0 ? this.id : `${this.id}.${this.asked}`;
    this.asked += 1;
    this.live.set(id, part);
    return { type: "response.create", response_id: id, input: part.text, ...this.request };
  }

  // Note that a response ended; true when nothing is left.
  ended(response) {
    this.live.delete(response);
    return this.live.size === 0 && this.rest.length === 0;
  }

  // The whole was refused for its length: have it asked for in parts. False if it cannot or was already divided.
  divide(maxWords) {
    if (this.asked !== 1 || !(maxWords > 0)) return false;
    this.rest = this.live.get(this.id).divided(maxWords);
    this.live.clear();
    return true;
  }
}

export class Part {
  constructor(at, text) {
    this.at = at; // where it begins in the whole text
    this.text = text;
    this.startsAt = 0; // samples of the utterance before its own
    this.deltas = 0;
    this.units = null;
  }

  // Where the server's character (code point) `index` is in the whole text, counted as browsers do (UTF-16).
  place(index) {
    this.units ??= codePointStarts(this.text);
    return this.at + this.units[Math.min(index, this.units.length - 1)];
  }

  // Cut into parts of at most `maxWords` words, at the last sentence end that fits, else a clause, else a word.
  divided(maxWords) {
    const words = [...this.text.matchAll(WORD)];
    const parts = [];
    for (let first = 0; first < words.length; ) {
      const fit = words.slice(first, first + maxWords);
      const count = first + fit.length < words.length ? cut(fit) : fit.length;
      const start = words[first].index;
      const end = words[first + count]?.index ?? this.text.length;
      parts.push(new Part(this.at + start, this.text.slice(start, end)));
      first += count;
    }
    return parts;
  }
}

function cut(words) {
  for (const place of CUTS) {
    const last = words.findLastIndex(([word]) => place.test(word));
    if (last >= 0) return last + 1;
  }
  return words.length;
}

function codePointStarts(text) {
  const starts = [];
  for (let at = 0; at < text.length; at += text.codePointAt(at) > 0xffff ? 2 : 1) starts.push(at);
  starts.push(text.length);
  return starts;
}
