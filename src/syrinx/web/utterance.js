// What the person asked to hear, as requests: one response, or several in a row where the server finds it too long for one.

// What separates words for the server (Python's str.split), so that both count alike.
const WORD = /[^\s\x1c-\x1f\x85]+/gu;
// Best places for a cut first; each matches the end of a word, closing quotes and brackets included.
const CUTS = [/[.!?…。！？]["'”’»)\]]*$/u, /[,;:–—、，；：]["'”’»)\]]*$/u];

export class Utterance {
  // request: the fields of response.create that every part has.
  constructor(id, askedAt, input, request) {
    this.id = id;
    this.askedAt = askedAt;
    this.received = 0; // samples
    this.heardOf = null; // the response whose first sound has come
    this.request = request;
    this.rest = [input];
    this.asked = 0;
    this.live = new Map(); // response id to its text, until it ended
  }

  // The next message to send; null when all of it was asked for.
  next() {
    if (this.rest.length === 0) return null;
    const input = this.rest.shift();
    const id = this.asked === 0 ? this.id : `${this.id}.${this.asked}`;
    this.asked += 1;
    this.live.set(id, input);
    return { type: "response.create", response_id: id, input, ...this.request };
  }

  // Note that a response ended; true when nothing is left.
  ended(response) {
    this.live.delete(response);
    return this.live.size === 0 && this.rest.length === 0;
  }

  // The whole was refused for its length: have it asked for in parts. False if it cannot or was already divided.
  divide(maxWords) {
    if (this.asked !== 1 || !(maxWords > 0)) return false;
    this.rest = divided(this.live.get(this.id), maxWords);
    this.live.clear();
    return true;
  }
}

// Cut text into parts of at most `maxWords` words, at the last sentence end that fits, else a clause, else a word.
export function divided(text, maxWords) {
  const words = [...text.matchAll(WORD)];
  const parts = [];
  for (let first = 0; first < words.length; ) {
    const fit = words.slice(first, first + maxWords);
    const count = first + fit.length < words.length ? cut(fit) : fit.length;
    const end = words[first + count]?.index ?? text.length;
    parts.push(text.slice(words[first].index, end));
    first += count;
  }
  return parts;
}

function cut(words) {
  for (const place of CUTS) {
    const last = words.findLastIndex(([word]) => place.test(word));
    if (last >= 0) return last + 1;
  }
  return words.length;
}
