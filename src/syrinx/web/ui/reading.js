// Marks the word that sounds within the text field, by a copy of its text that lies behind it.

const NAME = "reading";

export class Reading {
  constructor(field, paper) {
    this.field = field;
    this.paper = paper;
    this.text = document.createTextNode("");
    paper.append(this.text);
    this.able = globalThis.CSS?.highlights !== undefined && typeof Highlight === "function";
    field.addEventListener("scroll", () => this.follow());
    field.addEventListener("input", () => this.clear());
  }

  // word: {start, end}, or null for none.
  show(text, word) {
    if (!this.able) return;
    if (word === null || this.field.value !== text) {
      this.clear(); // the text was changed meanwhile: its words are elsewhere
      return;
    }
    if (this.text.data !== text) this.text.data = text;
    const range = new Range();
    range.setStart(this.text, word.start);
    range.setEnd(this.text, word.end);
    CSS.highlights.set(NAME, new Highlight(range));
    this.follow();
    this.bringToView(range);
  }

  clear() {
    if (this.able) CSS.highlights.delete(NAME);
  }

  follow() {
    this.paper.scrollTop = this.field.scrollTop;
  }

  bringToView(range) {
    const word = range.getBoundingClientRect();
    const view = this.field.getBoundingClientRect();
    const line = word.height;
    if (word.bottom + line > view.bottom || word.top - line < view.top) {
      this.field.scrollTop += word.top - view.top - view.height / 3;
      this.follow();
    }
  }
}
