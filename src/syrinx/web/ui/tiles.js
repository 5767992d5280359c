// The measured figures, and the words for what is going on.

const element = (id) => document.getElementById(id);
const PHASES = {
  connecting: "Connecting",
  loading: "Loading the voice",
  ready: "Ready",
  waiting: "Waiting for audio",
  speaking: "Speaking",
  replaying: "Playing again",
  lost: "Reconnecting",
  locked: "Key needed",
  refused: "Not allowed",
};
const NONE = "–";

export class Tiles {
  constructor(state, nameOf) {
    this.state = state;
    this.nameOf = nameOf; // (model, voice) to {name, model} as people call them
    this.shown = new Map();
  }

  show() {
    const { state } = this;
    this.put("ttfa", milliseconds(state.ttfaMs));
    this.put("ttfb", milliseconds(state.ttfbMs));
    this.put("duration", seconds(state.durationS));
    this.put("ratio", ratio(state.xRealtime));
    this.put("gaps", state.ttfbMs === null ? NONE : String(state.underruns));
    this.put("spoken-by", this.speaker());
    this.put("status", PHASES[state.phase]);
    element("status").dataset.phase = state.phase;
    element("progress").value = state.progress;
  }

  speaker() {
    const { model, voice } = this.state;
    if (voice === "") return NONE;
    return model === "" ? this.nameOf(model, voice) : `${this.nameOf(model, voice)} · ${model}`;
  }

  // Writing the same words again would make screen readers say them again.
  put(id, words) {
    if (this.shown.get(id) === words) return;
    this.shown.set(id, words);
    element(id).textContent = words;
  }
}

export const milliseconds = (ms) => (ms === null ? NONE : `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`);
export const seconds = (s) => (s === null ? NONE : `${s.toFixed(s < 10 ? 2 : 1)} s`);
const ratio = (x) => (x === null ? NONE : `${x < 9.95 ? x.toFixed(1) : Math.round(x)}×`);
