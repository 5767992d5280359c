// What was heard of one utterance, kept to be played again and saved: its samples, and where each word is in them.

import { wavOf } from "./wav.js";

export class Take {
  // how: the voice and delivery it was asked for with, {model, voice, delivery: {speed, pitch, volume}}.
  constructor(text, how) {
    this.text = text;
    this.how = how;
    this.rate = 0;
    this.model = "";
    this.voice = "";
    this.words = []; // {start, end, at}: place in the text, samples into the take; in order
    this.stretches = []; // an utterance changed in mid-air goes on in another stretch
  }

  begin(id) {
    this.stretches.push({ id, blocks: [], received: 0, heard: Infinity });
  }

  add(samples) {
    const stretch = this.stretches.at(-1);
    stretch.blocks.push(samples);
    stretch.received += samples.length;
  }

  // Playback of a stretch ended early, after `samples` of it.
  heardOnly(id, samples) {
    const stretch = this.stretches.find((each) => each.id === id);
    if (stretch === undefined) return;
    stretch.heard = samples;
    if (stretch === this.stretches.at(-1)) this.words = this.words.filter(({ at }) => at < this.length);
  }

  // Samples before the current stretch.
  get before() {
    return this.stretches.slice(0, -1).reduce((sum, stretch) => sum + lengthOf(stretch), 0);
  }

  get length() {
    return this.stretches.reduce((sum, stretch) => sum + lengthOf(stretch), 0);
  }

  get seconds() {
    return this.rate > 0 ? this.length / this.rate : 0;
  }

  samples() {
    const all = new Int16Array(this.length);
    let at = 0;
    for (const stretch of this.stretches) {
      const end = at + lengthOf(stretch);
      for (const block of stretch.blocks) {
        const part = block.subarray(0, Math.max(0, end - at));
        all.set(part, at);
        at += part.length;
      }
    }
    return all;
  }

  wav() {
    return wavOf(this.samples(), this.rate);
  }

  // The word that sounds at this sample: the last that began; null before the first.
  wordAt(sample) {
    let low = 0;
    let high = this.words.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.words[middle].at <= sample) low = middle + 1;
      else high = middle;
    }
    return low > 0 ? this.words[low - 1] : null;
  }
}

function lengthOf({ received, heard }) {
  return Math.min(received, heard);
}
