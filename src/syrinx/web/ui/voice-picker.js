// A field that shows the chosen voice and finds another: type to search, arrows and Enter to choose (ARIA combobox).

import { grouped, matching, Voice } from "./voices.js";

const DEFAULT = new Voice({ id: "", name: "Default voice" });

export class VoicePicker {
  // onchoice(voice) when the person chose one.
  constructor(field, list, count, onchoice) {
    Object.assign(this, { field, list, count, onchoice });
    this.voices = [];
    this.chosen = DEFAULT;
    this.rows = []; // {voice, row} as listed now
    this.at = -1;
    field.value = DEFAULT.name;
    field.addEventListener("focus", () => field.select());
    field.addEventListener("click", () => this.open(""));
    field.addEventListener("input", () => this.open(field.value));
    field.addEventListener("keydown", (event) => this.onKey(event));
    field.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", ({ target }) => this.onClick(target.closest("[role=option]")));
  }

  get isOpen() {
    return !this.list.hidden;
  }

  // Show these voices; keep what is chosen if it is still there, else choose the one of `key`, else the default.
  fill(voices, key = "") {
    this.voices = voices;
    this.choose([this.chosen.key, key].map((each) => voices.find((voice) => voice.key === each)).find(Boolean) ?? DEFAULT);
  }

  choose(voice) {
    this.chosen = voice;
    this.field.value = voice.name;
  }

  // The voice that speaks where none is named: the server lists its default first.
  get speaking() {
    return this.chosen === DEFAULT ? this.voices[0] : this.chosen;
  }

  nameOf(model, id) {
    const fits = (voice) => voice.id === id && (model === "" || voice.model === model || voice.cloned);
    return this.voices.find(fits)?.name ?? id;
  }

  // --- the list -----------------------------------------------------------------------------------------------------

  open(query) {
    const found = matching(this.voices, query);
    const groups = grouped(found);
    this.rows = [];
    this.list.replaceChildren(
      ...(query.trim() === "" ? [this.row(DEFAULT)] : []),
      ...groups.map(([heading, voices], i) => this.group(heading, voices, `voice-group-${i}`)),
    );
    if (this.rows.length === 0) this.list.append(tagged("p", "none", "No voice like that."));
    this.count.textContent = query.trim() === "" ? "" : `${found.length} ${found.length === 1 ? "voice" : "voices"}`;
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
    const chosen = this.rows.findIndex(({ voice }) => voice === this.chosen);
    this.moveTo(query.trim() === "" ? Math.max(0, chosen) : 0);
  }

  close() {
    this.list.hidden = true;
    this.count.textContent = "";
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
    this.field.value = this.chosen.name;
  }

  group(heading, voices, id) {
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", id);
    const title = tagged("div", "group-name", heading);
    title.id = id;
    title.setAttribute("role", "presentation");
    group.append(title, ...voices.map((voice) => this.row(voice)));
    return group;
  }

  row(voice) {
    const row = tagged("div", "voice", voice.name);
    row.id = `voice-row-${this.rows.length}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(voice === this.chosen));
    const about = [voice.cloned ? "cloned" : voice.gender, voice.id === voice.name || voice.cloned ? "" : voice.id];
    row.append(tagged("span", "about", about.filter(Boolean).join(" · ")));
    this.rows.push({ voice, row });
    return row;
  }

  moveTo(at) {
    this.rows[this.at]?.row.classList.remove("active");
    this.at = Math.min(Math.max(at, 0), this.rows.length - 1);
    const row = this.rows[this.at]?.row;
    if (row === undefined) {
      this.field.removeAttribute("aria-activedescendant");
      return;
    }
    row.classList.add("active");
    row.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", row.id);
  }

  take(voice) {
    this.choose(voice);
    this.close();
    this.onchoice(voice);
  }

  onClick(row) {
    const found = this.rows.find((each) => each.row === row);
    if (found !== undefined) this.take(found.voice);
  }

  onKey(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in moves) {
      if (this.isOpen) this.moveTo(this.at + moves[event.key]);
      else this.open("");
    } else if (event.key === "Enter") {
      if (this.isOpen && this.rows.length > 0) this.take(this.rows[this.at].voice);
    } else if (event.key === "Escape" && this.isOpen) {
      this.close();
      event.stopPropagation(); // it closes the list and stops nothing
    } else {
      return;
    }
    event.preventDefault();
  }
}

function tagged(tag, name, words) {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = words;
  return made;
}
