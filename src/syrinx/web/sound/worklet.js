// The render thread: plays blocks of samples one after the other without a gap and reports what was really rendered.
//
// In:  {type: "begin", id, gain}  {type: "samples", id, samples: Int16Array}  {type: "end", id}  {type: "drop"}
//      {type: "gain", gain}
// Out: {type: "audible", id}             the first sample above SILENCE was rendered
//      {type: "progress", id, ...totals} about 20 times a second while an utterance is open
//      {type: "ended", id, ...totals}    everything was rendered
//      {type: "dropped", id, samples, rendered}  what was buffered is gone and the output is silent
//      {type: "full", id}                a block was refused: over LIMIT_S are buffered

const SILENCE = 0.001; // -60 dBFS: quieter than any speech, louder than dither
const LEAD_S = 0.04; // start once this much is there: one server frame
const LONGEST_LEAD_S = 0.64; // every gap doubles it, up to this: four gaps, and a poor network is smooth
const REPORT_S = 0.05;
const LIMIT_S = 1800; // half an hour of float samples is 170 MB: past that the page refuses instead of swelling
const SCALE = 1 / 32768;
const KNEE = 0.9; // louder samples are pressed below 1 instead of clipped, which would crackle
const GAIN_STEP = 1 / 1200; // a change of volume takes up to 50 ms at 24 kHz, so that it does not click

class SpeechPlayer extends AudioWorkletProcessor {
  constructor() {
    super();
    this.lead = Math.round(LEAD_S * sampleRate);
    this.limit = LIMIT_S * sampleRate;
    this.reportEvery = Math.round(REPORT_S * sampleRate);
    this.last = 0; // the last sample rendered, for the fade of a drop
    this.dropping = false;
    this.dropped = null;
    this.gain = 1;
    this.wantedGain = 1;
    this.reset("");
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  reset(id) {
    this.id = id;
    this.blocks = [];
    this.position = 0; // of the next sample in blocks[0]
    this.buffered = 0;
    this.flowing = false;
    this.open = id !== ""; // more samples may come
    this.heard = false;
    this.sinceReport = 0;
    this.totals = { rendered: 0, sumOfSquares: 0, peak: 0, underruns: 0 };
  }

  receive(message) {
    if (message.type === "begin") {
      this.reset(message.id);
      this.gain = this.wantedGain = message.gain;
    } else if (message.type === "samples" && message.id === this.id && this.open) {
      this.take(message.samples);
    } else if (message.type === "end" && message.id === this.id) {
      this.open = false;
    } else if (message.type === "gain") {
      this.wantedGain = message.gain;
    } else if (message.type === "drop") {
      this.dropped = { id: this.id, samples: this.buffered, rendered: this.totals.rendered };
      this.reset("");
      this.dropping = true;
    }
  }

  take(samples) {
    if (this.buffered + samples.length > this.limit) {
      this.port.postMessage({ type: "full", id: this.id });
      return;
    }
    this.blocks.push(samples);
    this.buffered += samples.length;
  }

  process(_inputs, [[out]]) {
    if (this.dropping) {
      this.fade(out);
    } else if (this.id !== "") {
      this.render(out);
    }
    return true;
  }

  // A hard cut clicks: go from the last sample to zero over this one quantum (128 samples, 5 ms at 24 kHz).
  fade(out) {
    for (let i = 0; i < out.length; i++) out[i] = this.last * (1 - (i + 1) / out.length);
    this.last = 0;
    this.dropping = false;
    this.port.postMessage({ type: "dropped", ...this.dropped });
  }

  render(out) {
    if (!this.flowing) this.flowing = this.buffered >= this.lead || (!this.open && this.buffered > 0);
    const filled = this.flowing ? this.copy(out) : 0;
    if (filled > 0) this.last = out[out.length - 1];
    this.totals.rendered += filled;
    this.sinceReport += out.length;
    if (!this.open && this.buffered === 0) {
      this.report("ended");
      this.id = "";
    } else if (this.flowing && filled < out.length) {
      this.flowing = false;
      this.lead = Math.min(2 * this.lead, LONGEST_LEAD_S * sampleRate);
      this.totals.underruns += 1;
      this.report("progress");
    } else if (this.sinceReport >= this.reportEvery) {
      this.report("progress");
    }
  }

  copy(out) {
    let filled = 0;
    while (filled < out.length && this.blocks.length > 0) {
      const block = this.blocks[0];
      const count = Math.min(out.length - filled, block.length - this.position);
      for (let i = 0; i < count; i++) this.put(out, filled + i, block[this.position + i] * SCALE);
      filled += count;
      this.position += count;
      if (this.position === block.length) {
        this.blocks.shift();
        this.position = 0;
      }
    }
    this.buffered -= filled;
    return filled;
  }

  put(out, index, sample) {
    const value = this.amplified(sample);
    const size = Math.abs(value);
    out[index] = value;
    this.totals.sumOfSquares += value * value;
    if (size > this.totals.peak) this.totals.peak = size;
    if (!this.heard && size > SILENCE) {
      this.heard = true;
      this.port.postMessage({ type: "audible", id: this.id });
    }
  }

  amplified(sample) {
    if (this.gain !== this.wantedGain) {
      const step = this.wantedGain - this.gain;
      this.gain = Math.abs(step) <= GAIN_STEP ? this.wantedGain : this.gain + Math.sign(step) * GAIN_STEP;
    }
    if (this.gain === 1) return sample;
    const value = sample * this.gain;
    const over = Math.abs(value) - KNEE;
    return over <= 0 ? value : Math.sign(value) * (KNEE + (1 - KNEE) * Math.tanh(over / (1 - KNEE)));
  }

  report(type) {
    this.sinceReport = 0;
    this.port.postMessage({ type, id: this.id, buffered: this.buffered, ...this.totals });
  }
}

registerProcessor("speech-player", SpeechPlayer);
