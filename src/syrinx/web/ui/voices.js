// The voices of the server: read, named, sorted into groups, searched.

const languageNames = namer("language");
const LISTENER = (navigator.languages ?? []).map(primary);

// One entry of the list. `cloned` voices are someone's own.
export class Voice {
  constructor({ id, name = id, model = "", languages = [], gender = "", cloned = false }) {
    Object.assign(this, { id, name, model, languages, gender, cloned });
    this.key = `${model}\n${id}`;
    this.language = cloned ? "Cloned voices" : languages.length > 0 ? languageName(languages[0]) : "Other";
    this.searched = folded([name, id, model, gender, cloned ? "cloned" : "", this.language, ...languages].join(" "));
  }

  speaks(language) {
    return this.languages.some((tag) => primary(tag) === primary(language));
  }
}

// Read the list. Returns null where a key is needed first; throws an Error with words for a person.
export async function readVoices(headers) {
  const answer = await fetch(new URL("v1/audio/voices", document.baseURI), { headers });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { voices } = await answer.json();
  return voices.map((voice) => new Voice(typeof voice === "string" ? { id: voice } : voice));
}

// Groups of [heading, voices]: cloned voices, then the listener's own languages, then the rest by name; by model before
// that where there are several.
export function grouped(voices) {
  const models = [...new Set(voices.map(({ model }) => model))];
  const groups = new Map();
  for (const voice of voices) {
    const heading = models.length > 1 ? `${voice.language} · ${voice.model}` : voice.language;
    if (!groups.has(heading)) groups.set(heading, []);
    groups.get(heading).push(voice);
  }
  const rank = ([, [first]]) => [first.cloned ? 0 : 1, models.indexOf(first.model), listenerRank(first)];
  return [...groups].sort((a, b) => compare(rank(a), rank(b)) || a[0].localeCompare(b[0]));
}

// Those in which every word of the query occurs.
export function matching(voices, query) {
  const words = folded(query).split(/\s+/).filter(Boolean);
  return voices.filter(({ searched }) => words.every((word) => searched.includes(word)));
}

function listenerRank({ languages }) {
  const at = LISTENER.indexOf(primary(languages[0] ?? ""));
  return at < 0 ? LISTENER.length : at;
}

function compare(a, b) {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

function folded(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

function primary(tag) {
  return tag.split(/[-_]/)[0].toLowerCase();
}

function languageName(tag) {
  return languageNames(primary(tag));
}

function namer(type) {
  let names = null;
  try {
    names = new Intl.DisplayNames(["en"], { type });
  } catch {
    // an old browser: the tags themselves
  }
  return (code) => {
    try {
      return names?.of(code) ?? code;
    } catch {
      return code; // no such tag
    }
  };
}
