// Speaks one utterance at a time over the connection, or plays one again, and keeps `state` true to what is heard.

import { Take } from "../sound/take.js";
import { inWords } from "./refusals.js";
import { Utterance } from "./utterance.js";

const REPLAY_BLOCK = 48_000; // samples handed to the player at a time: two seconds

export class Speaker {
  // handlers: {onchange(), onword(text, word or null), onerror(words), ontake(take), onunready()}
  constructor(state, player, connection, handlers) {
    this.state = state;
    this.player = player;
    this.connection = connection;
    this.handlers = handlers;
    this.take = null;
    this.word = null;
    this.count = 0;
  }

  get active() {
    return this.state.utterance !== null;
  }

  // how: {model, voice, delivery: {speed, pitch, volume}}; model and voice may be empty.
  async speak(text, how) {
    const utterance = new Utterance(this.nextId(), performance.now(), text, 0, request(how));
    this.player.resume();
    this.stop();
    this.begin(utterance, new Take(text, how));
    this.state.measure();
    this.setPhase("waiting");
    try {
      await Promise.all([this.player.open(), this.connection.whenReady()]);
    } catch (error) {
      this.fail(utterance, error.message);
      return;
    }
    if (this.state.utterance !== utterance) return; // stopped or replaced while connecting
    this.player.resume();
    this.start(utterance);
  }

  // Play again what was heard.
  replay(take) {
    this.player.resume();
    this.stop();
    const samples = take.samples();
    const replay = { id: this.nextId(), replay: true, received: samples.length, live: new Map() };
    this.begin(replay, take);
    this.player.begin(replay.id);
    for (let at = 0; at < samples.length; at += REPLAY_BLOCK) {
      this.player.push(replay.id, samples.slice(at, at + REPLAY_BLOCK));
    }
    this.player.end(replay.id);
    this.setPhase("replaying");
  }

  // Go on in another voice, speed or pitch, from the word that sounds now; without words, from the beginning.
  change(how) {
    const { utterance } = this.state;
    if (utterance === null || utterance.replay) return;
    const from = this.word?.start ?? utterance.offset;
    if (!this.connection.ready || utterance.asked === 0) {
      utterance.request = request(how); // nothing was asked for yet
      return;
    }
    this.silence();
    this.take.how = how;
    const rest = new Utterance(this.nextId(), performance.now(), this.take.text, from, request(how));
    this.begin(rest, this.take);
    this.start(rest);
  }

  // Louder or softer at once. What was asked for in silence holds no sound, so it is asked for again.
  setVolume(volume, how) {
    const { utterance } = this.state;
    if (utterance === null) return;
    const asked = this.take.how.delivery.volume;
    if (asked > 0 || utterance.replay) this.player.setGain(asked > 0 ? volume / asked : 1);
    else this.change(how);
  }

  stop() {
    if (!this.active) return;
    this.silence();
    this.finish("stopped");
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  nextId() {
    this.count += 1;
    return `page-${this.count}`;
  }

  begin(utterance, take) {
    this.take = take;
    this.state.utterance = utterance;
    this.state.outcome = "";
    this.state.rendered = { samples: 0, rms: 0, peak: 0 };
    this.setWord(null);
  }

  start(utterance) {
    this.take.rate = this.player.sampleRate;
    this.take.begin(utterance.id);
    this.player.begin(utterance.id);
    this.askNext(utterance);
  }

  askNext(utterance) {
    const message = utterance.next();
    if (message !== null) this.connection.send(message);
  }

  silence() {
    const { utterance } = this.state;
    this.state.stop = { askedAt: performance.now(), tookMs: null, droppedSamples: 0 };
    this.player.drop();
    if (utterance.replay) return;
    this.take.heardOnly(utterance.id, this.state.rendered.samples); // the player's exact count follows
    // Those that wait go first, so that none of them starts when the active one stops.
    for (const response of [...utterance.live.keys()].reverse()) {
      this.connection.send({ type: "response.cancel", response_id: response });
    }
    this.connection.send({ type: "barge" }); // what had come of responses that were all made is not played either
  }

  finish(outcome) {
    const { utterance } = this.state;
    this.state.utterance = null;
    this.state.outcome = outcome;
    this.setWord(null);
    if (!utterance.replay && this.take.length > 0) this.handlers.ontake(this.take);
    this.setPhase(this.connection.ready ? "ready" : "connecting");
  }

  fail(utterance, words) {
    if (this.state.utterance !== utterance) return;
    this.player.drop();
    this.finish("failed");
    this.handlers.onerror(words);
  }

  setPhase(phase) {
    this.state.phase = phase;
    this.handlers.onchange();
  }

  setWord(word) {
    if (word === this.word) return;
    this.word = word;
    this.state.word = word === null ? null : this.take.text.slice(word.start, word.end);
    this.handlers.onword(this.take.text, word);
  }

  // --- from the server ----------------------------------------------------------------------------------------------

  onMessage(message) {
    const { utterance } = this.state;
    if (utterance === null) return;
    if (message.type === "response.error" && message.response === undefined) {
      this.fail(utterance, inWords(message));
      return;
    }
    const part = utterance.live.get(message.response);
    if (part === undefined) return; // the rest of something already stopped
    if (message.type === "response.created") this.onCreated(utterance, part, message);
    else if (message.type === "response.output_audio.delta") this.onAudio(utterance, part, message);
    else if (message.type === "response.marks") this.onMarks(part, message);
    else if (message.type === "response.completed") this.onEnded(utterance, message.response);
    else if (message.type === "response.canceled") this.fail(utterance, "The server stopped this speech.");
    else if (message.type === "response.error") this.onRefused(utterance, message);
  }

  onCreated(utterance, part, { model = "", voice = "" }) {
    part.startsAt = this.take.before + utterance.received;
    Object.assign(this.take, { model, voice });
    Object.assign(this.state, { model, voice });
    this.handlers.onchange();
    this.askNext(utterance); // one part is made while the next one waits, so there is no pause between them
  }

  onAudio(utterance, part, { delta }) {
    const samples = decode(delta);
    part.deltas += 1;
    // Servers prime the line with a little digital silence; playing it would only delay the first sound.
    if (part.deltas === 1 && samples.every((sample) => sample === 0)) return;
    utterance.received += samples.length;
    this.take.add(samples.slice());
    this.state.received(utterance, this.take.length / this.take.rate);
    this.player.push(utterance.id, samples);
    if (this.state.phase === "waiting") this.setPhase("speaking");
    else this.handlers.onchange();
  }

  onMarks(part, { marks }) {
    for (const { start, end, start_s: startS } of marks) {
      const at = part.startsAt + Math.round(startS * this.take.rate);
      this.take.words.push({ start: part.place(start), end: part.place(end), at });
    }
  }

  onEnded(utterance, response) {
    if (!utterance.ended(response)) return;
    this.state.complete();
    this.player.end(utterance.id);
  }

  onRefused(utterance, message) {
    if (message.code === "too_long" && utterance.divide(message.max_words)) {
      this.askNext(utterance);
    } else if (message.code === "empty_text" && utterance.asked > 1) {
      this.askNext(utterance); // a part of nothing but signs
      this.onEnded(utterance, message.response);
    } else {
      this.fail(utterance, inWords(message));
      if (message.code === "not_ready") this.handlers.onunready();
    }
  }

  // --- from the player ----------------------------------------------------------------------------------------------

  onReport(report) {
    if (report.type === "dropped") {
      this.onDropped(report);
      return;
    }
    const { utterance } = this.state;
    if (utterance === null || report.id !== utterance.id) return;
    if (report.type === "audible") {
      if (!utterance.replay) this.state.audible(utterance);
    } else if (report.type === "full") {
      this.stop();
      this.handlers.onerror("The speech is too long for this page. Split the text.");
    } else {
      this.onProgress(utterance, report);
    }
    this.handlers.onchange();
  }

  onDropped({ id, samples, rendered }) {
    this.take?.heardOnly(id, rendered);
    const { stop } = this.state;
    if (stop === null || stop.tookMs !== null) return;
    stop.tookMs = performance.now() - stop.askedAt;
    stop.droppedSamples = samples;
  }

  onProgress(utterance, { type, rendered, sumOfSquares, peak, underruns }) {
    const before = utterance.replay ? 0 : this.take.before;
    const received = before + utterance.received;
    this.state.rendered = { samples: rendered, rms: rendered > 0 ? Math.sqrt(sumOfSquares / rendered) : 0, peak };
    if (!utterance.replay) this.state.underruns = underruns;
    this.state.progress = received > 0 ? (before + rendered) / received : 0;
    this.setWord(this.take.wordAt(before + rendered - this.player.onTheWay));
    if (type === "ended") this.finish("completed");
  }
}

function request({ model, voice, delivery }) {
  return { ...(model === "" ? {} : { model }), ...(voice === "" ? {} : { voice }), delivery };
}

// base64 of 16-bit little-endian PCM, as every machine with a browser stores it.
function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}
