// The page: reads the form, speaks one utterance at a time over the connection, shows what was measured.

import { Connection } from "./connection.js";
import { Player } from "./player.js";
import { Utterance } from "./utterance.js";

const KEY = "syrinx.key";
const element = (id) => document.getElementById(id);
const ui = Object.fromEntries(
  ["form", "text", "voice", "speed", "speed-shown", "play", "stop", "key-row", "key", "key-save", "error",
    "ttfa", "ttfb", "duration", "gaps", "status", "progress"].map((id) => [id, element(id)]),
);

// What tests and the curious may read: plain values, updated as things happen. Times are milliseconds.
const state = (window.syrinx = {
  phase: "connecting", // connecting | ready | waiting | speaking | lost | locked
  utterance: null, // an Utterance, until it was heard, stopped or failed
  outcome: "", // completed | stopped | failed, of the last utterance
  ttfaMs: null,
  ttfbMs: null,
  durationS: null,
  underruns: 0,
  rendered: { samples: 0, rms: 0, peak: 0 },
  stop: null, // {askedAt, tookMs, droppedSamples} of the last Stop
  error: "",
});

const PHASES = {
  connecting: "Connecting",
  ready: "Ready",
  waiting: "Waiting for audio",
  speaking: "Speaking",
  lost: "Reconnecting",
  locked: "Key needed",
};

// The server's codes in plain words; anything else shows the server's own message.
const REFUSALS = {
  busy: () => "The server is busy with other people's speech. Try again in a moment.",
  empty_text: () => "There is nothing to speak in that text.",
  too_long: (e) => `${e.message} Speak it in parts.`,
  invalid_voice: (e) => `That voice is not available. ${e.message ?? ""}`,
  stream_error: (e) => `The speech broke off. ${e.message ?? ""}`,
};

let spoken = 0;
const player = new Player(onReport);
const connection = new Connection(
  { onopen: greet, onready: onReady, onmessage: onMessage, onlost: onLost, onunauthorized: onUnauthorized },
  sessionStorage.getItem(KEY) ?? "",
);

function setPhase(phase) {
  state.phase = phase;
  ui.status.textContent = PHASES[phase];
  ui.stop.disabled = state.utterance === null;
}

function showError(words) {
  state.error = words.trim();
  ui.error.textContent = state.error;
  ui.error.hidden = state.error === "";
}

const shownMs = (ms) => (ms === null ? "–" : `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`);
const shownS = (s) => (s === null ? "–" : `${s.toFixed(s < 10 ? 2 : 1)} s`);

function showMeasured() {
  ui.ttfa.textContent = shownMs(state.ttfaMs);
  ui.ttfb.textContent = shownMs(state.ttfbMs);
  ui.duration.textContent = shownS(state.durationS);
  ui.gaps.textContent = String(state.underruns);
}

// --- speaking -------------------------------------------------------------------------------------------------------

async function speak() {
  const askedAt = performance.now();
  const input = ui.text.value;
  showError("");
  if (input.trim() === "") {
    showError("Type something to speak first.");
    return;
  }
  player.resume();
  stop();
  const utterance = new Utterance(`page-${++spoken}`, askedAt, input, chosen());
  begin(utterance);
  try {
    await Promise.all([player.open(), connection.whenReady()]);
  } catch (error) {
    fail(utterance, error.message);
    return;
  }
  if (state.utterance !== utterance) return; // stopped or replaced while connecting
  player.resume();
  player.begin(utterance.id);
  askNext(utterance);
}

function chosen() {
  const request = { speed: Number(ui.speed.value) };
  return ui.voice.value === "" ? request : { ...request, voice: ui.voice.value };
}

function askNext(utterance) {
  const message = utterance.next();
  if (message !== null) connection.send(message);
}

function begin(utterance) {
  Object.assign(state, { utterance, outcome: "", ttfaMs: null, ttfbMs: null, durationS: null, underruns: 0 });
  state.rendered = { samples: 0, rms: 0, peak: 0 };
  ui.progress.value = 0;
  showMeasured();
  setPhase("waiting");
}

function stop() {
  const { utterance } = state;
  if (utterance === null) return;
  state.stop = { askedAt: performance.now(), tookMs: null, droppedSamples: 0 };
  player.drop();
  // Those that wait go first, so that none of them starts when the active one stops.
  for (const response of [...utterance.live.keys()].reverse()) {
    connection.send({ type: "response.cancel", response_id: response });
  }
  connection.send({ type: "barge" }); // what had come of responses that were all made is not played either
  finish("stopped");
}

function finish(outcome) {
  state.utterance = null;
  state.outcome = outcome;
  if (["waiting", "speaking"].includes(state.phase)) setPhase(connection.ready ? "ready" : "connecting");
  ui.stop.disabled = true;
}

function fail(utterance, words) {
  if (state.utterance !== utterance) return;
  player.drop();
  finish("failed");
  showError(words);
}

// --- from the server ------------------------------------------------------------------------------------------------

// Naming the format makes the server speak at the rate this machine's sound device was opened with.
function greet() {
  connection.send({ type: "session.update", session: { audio: { format: "pcm", sample_rate: player.sampleRate } } });
}

function onReady() {
  if (state.utterance === null) setPhase("ready");
}

function onMessage(message) {
  const { utterance } = state;
  if (utterance === null) return;
  if (message.type === "response.error" && message.response === undefined) {
    fail(utterance, refusal(message));
    return;
  }
  if (!utterance.live.has(message.response)) return; // the rest of something already stopped
  if (message.type === "response.created") {
    askNext(utterance); // one part is made while the next one waits, so there is no pause between them
  } else if (message.type === "response.output_audio.delta") {
    onAudio(utterance, message);
  } else if (message.type === "response.completed") {
    onEnded(utterance, message.response);
  } else if (message.type === "response.canceled") {
    fail(utterance, "The server stopped this speech.");
  } else if (message.type === "response.error") {
    onRefused(utterance, message);
  }
}

function refusal(message) {
  return REFUSALS[message.code]?.(message) ?? message.message ?? `The server refused: ${message.code}.`;
}

function onRefused(utterance, message) {
  if (message.code === "too_long" && utterance.divide(message.max_words)) {
    askNext(utterance);
  } else if (message.code === "empty_text" && utterance.asked > 1) {
    askNext(utterance); // a part of nothing but signs
    onEnded(utterance, message.response);
  } else {
    fail(utterance, refusal(message));
  }
}

function onAudio(utterance, { response, delta }) {
  const samples = decode(delta);
  // Servers prime the line with a little digital silence; playing it would only delay the first sound.
  if (utterance.heardOf !== response && samples.every((sample) => sample === 0)) return;
  utterance.heardOf = response;
  if (state.ttfbMs === null) {
    state.ttfbMs = performance.now() - utterance.askedAt;
    setPhase("speaking");
  }
  utterance.received += samples.length;
  state.durationS = utterance.received / player.sampleRate;
  player.push(utterance.id, samples);
  showMeasured();
}

function onEnded(utterance, response) {
  if (utterance.ended(response)) player.end(utterance.id);
}

// base64 of 16-bit little-endian PCM, as every machine with a browser stores it.
function decode(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}

// --- from the player ------------------------------------------------------------------------------------------------

function onReport(report) {
  if (report.type === "dropped") {
    if (state.stop !== null && state.stop.tookMs === null) {
      state.stop.tookMs = performance.now() - state.stop.askedAt;
      state.stop.droppedSamples = report.samples;
    }
    return;
  }
  const { utterance } = state;
  if (utterance === null || report.id !== utterance.id) return;
  if (report.type === "audible") {
    state.ttfaMs = performance.now() - utterance.askedAt;
  } else if (report.type === "full") {
    stop();
    showError("The speech is too long for this page. Split the text.");
    return;
  } else {
    onProgress(utterance, report);
  }
  showMeasured();
}

function onProgress(utterance, { type, rendered, sumOfSquares, peak, underruns }) {
  state.rendered = { samples: rendered, rms: rendered > 0 ? Math.sqrt(sumOfSquares / rendered) : 0, peak };
  state.underruns = underruns;
  ui.progress.value = utterance.received > 0 ? rendered / utterance.received : 0;
  if (type === "ended") finish("completed");
}

// --- connection and key ---------------------------------------------------------------------------------------------

function onLost() {
  if (state.utterance !== null) fail(state.utterance, "The connection to the server was lost.");
  setPhase("lost");
}

function onUnauthorized() {
  const tried = connection.key !== "";
  if (state.utterance !== null) fail(state.utterance, "");
  lock(tried ? "The server did not accept that key." : "This server needs an API key.");
}

function lock(words) {
  ui["key-row"].hidden = false;
  ui.key.focus();
  setPhase("locked");
  showError(words);
}

function saveKey() {
  const key = ui.key.value.trim();
  if (key === "") return;
  sessionStorage.setItem(KEY, key);
  ui.key.value = "";
  ui["key-row"].hidden = true;
  showError("");
  setPhase("connecting");
  connection.useKey(key);
  loadVoices();
  ui.text.focus();
}

async function loadVoices() {
  const headers = connection.key === "" ? {} : { Authorization: `Bearer ${connection.key}` };
  try {
    const answer = await fetch(new URL("v1/audio/voices", document.baseURI), { headers });
    if (answer.status === 401) return; // the WebSocket asks for the key
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    fillVoices((await answer.json()).voices);
  } catch (error) {
    showError(`The list of voices could not be read (${error.message}); the default voice still works.`);
  }
}

function fillVoices(voices) {
  const chosen = ui.voice.value;
  const options = voices.map((voice) => {
    const { id, name = id } = typeof voice === "string" ? { id: voice } : voice;
    return new Option(name === id ? id : `${name} (${id})`, id);
  });
  ui.voice.replaceChildren(new Option("Default voice", ""), ...options);
  ui.voice.value = voices.some((voice) => (voice.id ?? voice) === chosen) ? chosen : "";
}

// --- the form -------------------------------------------------------------------------------------------------------

ui.form.addEventListener("submit", (event) => {
  event.preventDefault();
  speak();
});
ui.text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // an IME's Enter picks a word
  event.preventDefault();
  speak();
});
ui.key.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  saveKey();
});
ui["key-save"].addEventListener("click", saveKey);
ui.stop.addEventListener("click", () => {
  stop();
  ui.text.focus(); // the button is disabled now and would lose the focus to nowhere
});
ui.speed.addEventListener("input", () => {
  ui["speed-shown"].textContent = `${Number(ui.speed.value).toFixed(2)}×`;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  player.resume(); // typing counts as a gesture: the sound device is awake before Enter
});
document.addEventListener("pointerdown", () => player.resume());
window.addEventListener("online", () => connection.connect());

player.open().catch((error) => showError(error.message));
connection.connect();
loadVoices();
