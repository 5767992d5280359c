// What tests and the curious may read as `window.syrinx`: plain values, updated as things happen. Times are milliseconds.

const RATIO_S = 10; // speech after which "x real time" is settled: further on the server only keeps ahead of the listener

export class State {
  phase = "connecting"; // connecting | loading | ready | waiting | speaking | replaying | lost | locked | refused
  utterance = null; // until it was heard, stopped or failed
  outcome = ""; // completed | stopped | failed, of the last utterance
  ttfaMs = null; // from asking to the first audible sample handed to the sound device
  ttfbMs = null; // from asking to the first audio that came
  durationS = null;
  xRealtime = null; // seconds of speech that came per second, counted from asking
  underruns = 0;
  progress = 0; // 0 to 1
  model = ""; // of the last utterance, as the server tells it
  voice = "";
  word = null; // that sounds now
  rendered = { samples: 0, rms: 0, peak: 0 }; // since the last start, change or replay
  stop = null; // {askedAt, tookMs, droppedSamples} of the last Stop
  error = "";
  voices = 0; // in the list
  lost = false; // what is shown as an error is that the connection was lost
  #settled = false;

  // A new utterance: nothing is measured yet.
  measure() {
    Object.assign(this, { ttfaMs: null, ttfbMs: null, durationS: null, xRealtime: null, underruns: 0, progress: 0 });
    Object.assign(this, { model: "", voice: "" });
    this.#settled = false;
  }

  received(utterance, seconds) {
    const tookMs = performance.now() - utterance.askedAt;
    this.ttfbMs ??= tookMs;
    this.durationS = seconds;
    if (utterance.offset > 0) this.#settled = true; // it was changed in mid-air: the clock began anew
    if (this.#settled) return;
    this.xRealtime = (1000 * seconds) / tookMs;
    this.#settled = seconds >= RATIO_S;
  }

  audible(utterance) {
    this.ttfaMs ??= performance.now() - utterance.askedAt;
  }

  complete() {
    this.#settled = true;
  }
}
