// Plays 16-bit samples one after the other without a gap, on the browser's audio thread.
//
// In:  {samples: Int16Array}, {end: true} after the last of a text, {stop: true} to forget what was not played yet
// Out: {state, played, gaps, peak} about ten times a second and at the end: samples played of this text, how often it
//      ran dry in the middle, the loudest sample since the last report (0 to 1)

const LEAD = 0.1 * sampleRate; // what must be there before it plays, so that a late piece makes no gap
const REPORT = 0.1 * sampleRate;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.clear();
    this.port.onmessage = ({ data }) => {
      if (data.stop) this.finish("stopped");
      if (data.end) this.ended = true;
      if (data.samples?.length) this.blocks.push(data.samples);
      this.waiting += data.samples?.length ?? 0;
    };
  }

  clear() {
    Object.assign(this, { blocks: [], at: 0, waiting: 0, ended: false, playing: false, played: 0, gaps: 0, peak: 0 });
  }

  process(_inputs, [[out]]) {
    this.playing ||= this.ended || this.waiting >= LEAD;
    if (!this.playing) return true;
    const count = Math.min(out.length, this.waiting);
    for (let i = 0; i < count; i++) out[i] = this.next();
    this.waiting -= count;
    this.played += count;
    if (this.ended && this.waiting === 0) this.finish("spoken");
    else if (count < out.length) [this.playing, this.gaps] = [false, this.gaps + 1];
    else if (this.played % REPORT < count) this.report("speaking");
    return true;
  }

  next() {
    const sample = this.blocks[0][this.at++] / 32768;
    this.peak = Math.max(this.peak, Math.abs(sample));
    if (this.at === this.blocks[0].length) [this.at] = [0, this.blocks.shift()];
    return sample;
  }

  report(state) {
    this.port.postMessage({ state, played: this.played, gaps: this.gaps, peak: this.peak });
    this.peak = 0;
  }

  finish(state) {
    this.report(state);
    this.clear();
  }
}

registerProcessor("player", Player);
