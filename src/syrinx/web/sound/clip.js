// A recording of a voice, from a file or the microphone, as the WAV file that a voice is made of.

import { wavOf } from "./wav.js";

const RATE = 24_000;
const MOST_S = 30; // the server makes no use of more
const MOST_BYTES = 50_000_000; // of a file that is read; half an hour of most formats
const KINDS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }; // they bend the voice

// {wav: Blob, seconds}. Throws an Error with words for a person.
export async function clipOf(blob) {
  if (blob.size > MOST_BYTES) throw new Error("That file is too large: half a minute of speech is enough.");
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  } catch {
    throw new Error("That file is no audio that this browser can read.");
  }
  const samples = mono(audio, Math.min(audio.length, MOST_S * RATE));
  return { wav: wavOf(samples, RATE), seconds: samples.length / RATE };
}

function mono(audio, length) {
  const channels = Array.from({ length: audio.numberOfChannels }, (_, i) => audio.getChannelData(i));
  const samples = new Int16Array(length);
  for (let i = 0; i < length; i++) {
    const sum = channels.reduce((total, channel) => total + channel[i], 0);
    samples[i] = Math.max(-1, Math.min(1, sum / channels.length)) * 32767;
  }
  return samples;
}

// The microphone: `await record()` begins, `stop()` ends; `onrecorded(Blob)` follows, after half a minute at the latest.
export class Microphone {
  constructor(onrecorded) {
    this.onrecorded = onrecorded;
    this.recorder = null;
    this.timer = 0;
  }

  get recording() {
    return this.recorder?.state === "recording";
  }

  async record() {
    const stream = await this.open();
    const parts = [];
    this.recorder = new MediaRecorder(stream);
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => {
      clearTimeout(this.timer);
      stream.getTracks().forEach((track) => track.stop());
      this.onrecorded(new Blob(parts, { type: this.recorder.mimeType }));
    };
    this.recorder.start();
    this.timer = setTimeout(() => this.stop(), 1000 * MOST_S);
  }

  stop() {
    if (this.recording) this.recorder.stop();
  }

  async open() {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: KINDS });
    } catch {
      throw new Error("The microphone cannot be used: it is missing, or this page may not use it.");
    }
  }
}
