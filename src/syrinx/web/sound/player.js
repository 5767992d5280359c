// Owns the AudioContext and the worklet node: samples in, reports of what was rendered out.

const WANTED_RATE = 24000; // the server's usual rate, so that nothing is resampled on the way

export class Player {
  // onreport({type: "audible" | "progress" | "ended" | "dropped" | "full", ...}), the messages worklet.js lists.
  constructor(onreport) {
    this.onreport = onreport;
    this.context = null;
    this.node = null;
    this.opening = null;
  }

  get sampleRate() {
    return this.context?.sampleRate ?? WANTED_RATE;
  }

  // Samples handed to the sound device that are not in the air yet, as far as the browser can tell.
  get onTheWay() {
    return Math.round((this.context?.outputLatency ?? 0) * this.sampleRate);
  }

  // Load the worklet. Safe to call again; the context may stay suspended until `resume` after a key or a click.
  open() {
    this.opening ??= this.load().catch((error) => {
      this.opening = null;
      throw error;
    });
    return this.opening;
  }

  async load() {
    if (!window.isSecureContext || !("AudioWorkletNode" in window)) {
      throw new Error("This browser plays streamed audio only over https, or from the machine itself (127.0.0.1).");
    }
    this.context ??= newContext();
    await this.context.audioWorklet.addModule(new URL("worklet.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "speech-player", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.onreport(data);
    this.node.connect(this.context.destination);
  }

  // Browsers start audio only after the person did something.
  resume() {
    if (["suspended", "interrupted"].includes(this.context?.state)) this.context.resume().catch(() => {});
  }

  begin(id, gain = 1) {
    this.node.port.postMessage({ type: "begin", id, gain });
  }

  // The samples are handed over: they are gone here.
  push(id, samples) {
    this.node.port.postMessage({ type: "samples", id, samples }, [samples.buffer]);
  }

  end(id) {
    this.node.port.postMessage({ type: "end", id });
  }

  // Times louder than the samples are, from now on.
  setGain(gain) {
    this.node?.port.postMessage({ type: "gain", gain });
  }

  // Forget what is buffered and be silent within one render quantum.
  drop() {
    this.node?.port.postMessage({ type: "drop" });
  }
}

function newContext() {
  try {
    return new AudioContext({ sampleRate: WANTED_RATE, latencyHint: "interactive" });
  } catch {
    return new AudioContext({ latencyHint: "interactive" }); // a device that insists: the server is asked for its rate
  }
}
