// The last utterances, in memory only: to be heard again, saved, or taken back into the text field.

import { seconds } from "./tiles.js";

const MOST = 8;
const MOST_S = 1800; // of audio, all together: 86 MB at 24 kHz

export class History {
  // handlers: {replay(take), save(take), reuse(take), nameOf(model, voice), onforgotten()}
  constructor(section, handlers) {
    this.section = section;
    this.list = section.querySelector("ol");
    this.handlers = handlers;
    this.takes = []; // the newest first
    section.querySelector("#forget").addEventListener("click", () => {
      this.takes = [];
      this.show();
      handlers.onforgotten();
    });
  }

  get latest() {
    return this.takes[0] ?? null;
  }

  add(take) {
    this.takes = [take, ...this.takes.filter((each) => each !== take)].slice(0, MOST);
    let left = MOST_S - take.seconds;
    this.takes = this.takes.filter((each) => each === take || (left -= each.seconds) >= 0);
    this.show();
  }

  show() {
    this.section.hidden = this.takes.length === 0;
    this.list.replaceChildren(...this.takes.map((take) => this.item(take)));
  }

  item(take) {
    const item = document.createElement("li");
    const quote = document.createElement("p");
    quote.className = "quote";
    quote.dir = "auto";
    quote.textContent = take.text.trim();
    const about = document.createElement("p");
    about.className = "about";
    about.textContent = `${this.handlers.nameOf(take.model, take.voice)} · ${seconds(take.seconds)}`;
    const excerpt = take.text.trim().slice(0, 40);
    const buttons = document.createElement("div");
    buttons.append(
      this.button("Replay", `Replay: ${excerpt}`, () => this.handlers.replay(take)),
      this.button("Save", `Save as WAV: ${excerpt}`, () => this.handlers.save(take)),
      this.button("Edit", `Put back into the text field: ${excerpt}`, () => this.handlers.reuse(take)),
    );
    item.append(quote, about, buttons);
    return item;
  }

  button(words, label, onclick) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = words;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", onclick);
    return button;
  }
}
