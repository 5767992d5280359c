// The page: joins the form, the speaker and what is shown. Each part is a file of its own.

import { Player } from "./sound/player.js";
import { Connection } from "./speech/connection.js";
import { Speaker } from "./speech/speaker.js";
import { State } from "./speech/state.js";
import { ClonePanel } from "./ui/clone.js";
import { DeliveryControls } from "./ui/delivery.js";
import { saveMade, saveTake } from "./ui/downloads.js";
import { showExamples } from "./ui/examples.js";
import { History } from "./ui/history.js";
import { KeyField, storedKey } from "./ui/key.js";
import { remember, remembered } from "./ui/preferences.js";
import { Readiness } from "./ui/readiness.js";
import { Reading } from "./ui/reading.js";
import { Tiles } from "./ui/tiles.js";
import { VoicePicker } from "./ui/voice-picker.js";
import { readVoices } from "./ui/voices.js";

const element = (id) => document.getElementById(id);
const text = element("text");
const state = (window.syrinx = new State());

// --- parts ----------------------------------------------------------------------------------------------------------

const player = new Player((report) => speaker.onReport(report));
const connection = new Connection(
  {
    onopen: greet,
    onready: onReady,
    onmessage: (message) => speaker.onMessage(message),
    onlost: onLost,
    onunauthorized: onUnauthorized,
    onrefused: (words) => onRefused(words),
  },
  storedKey(),
);
const speaker = new Speaker(state, player, connection, {
  onchange: show,
  onword: (spoken, word) => reading.show(spoken, word),
  onerror: showError,
  ontake: (take) => history.add(take),
  onunready: () => readiness.ask(),
});
const reading = new Reading(text, element("paper"));
const picker = new VoicePicker(element("voice"), element("voice-list"), element("voice-count"), onVoice);
const delivery = new DeliveryControls({
  oninput: (name) => name === "volume" && speaker.setVolume(delivery.value.volume, chosen()),
  onchange: (name) => name !== "volume" && speaker.change(chosen()),
});
const tiles = new Tiles(state, (model, voice) => picker.nameOf(model, voice));
const history = new History(element("history"), {
  replay: (take) => speaker.replay(take),
  save: saveTake,
  reuse,
  nameOf: (model, voice) => picker.nameOf(model, voice),
  onforgotten: forgotten,
});
const clonePanel = new ClonePanel(connection, {
  onmade: (id) => {
    text.focus(); // to be heard at once
    loadVoices((voice) => voice.cloned && voice.id === id);
  },
  onremoved: () => {
    element("voice").focus(); // the button is gone and would lose the focus to nowhere
    loadVoices();
  },
});
const keyField = new KeyField(onKey);
const readiness = new Readiness(onReadiness);

// --- what is shown --------------------------------------------------------------------------------------------------

function show() {
  tiles.show();
  const { latest } = history;
  element("stop").disabled = !speaker.active;
  element("replay").disabled = latest === null;
  element("save-wav").disabled = latest === null;
}

function showError(words) {
  state.error = words.trim();
  element("error-words").textContent = state.error;
  element("error").hidden = state.error === "";
}

function chosen() {
  const { model, id } = picker.chosen;
  return { model, voice: id, delivery: delivery.value };
}

// The text, or null (and why) where there is none.
function written() {
  if (text.value.trim() !== "") return text.value;
  showError("Type something to speak first.");
  return null;
}

// --- what the person does -------------------------------------------------------------------------------------------

function speak() {
  showError("");
  const words = written();
  if (words !== null) speaker.speak(words, chosen());
}

function stop() {
  speaker.stop();
  show();
}

function onVoice(voice) {
  remember({ voice: voice.key });
  clonePanel.chose(voice);
  speaker.change(chosen());
}

async function removeVoice() {
  showError("");
  try {
    await clonePanel.remove(picker.chosen);
  } catch (error) {
    showError(`The voice could not be removed. ${error.message}`);
  }
}

function tryExample(example) {
  text.value = example.text;
  text.lang = example.lang;
  const fits = example.lang === "" || (picker.speaking?.speaks(example.lang) ?? true);
  const better = fits ? undefined : picker.voices.find((voice) => !voice.cloned && voice.speaks(example.lang));
  if (better !== undefined) picker.choose(better);
  clonePanel.chose(picker.chosen);
  speak();
}

function reuse(take) {
  text.value = take.text;
  text.focus();
}

function forgotten() {
  show();
  text.focus(); // the button is gone and would lose the focus to nowhere
}

async function saveAs(format, button) {
  const words = written();
  if (words === null) return;
  showError("");
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    await saveMade(words, chosen(), format, connection.headers);
  } catch (error) {
    showError(`The file could not be made. ${error.message}`);
  }
  button.disabled = false;
  button.removeAttribute("aria-busy");
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  speak();
});
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // an IME's Enter picks a word
  event.preventDefault();
  speak();
});
text.addEventListener("input", () => text.removeAttribute("lang")); // what is written now is in any language
element("stop").addEventListener("click", () => {
  stop();
  text.focus(); // the button is disabled now and would lose the focus to nowhere
});
element("replay").addEventListener("click", () => speaker.replay(history.latest));
element("save-wav").addEventListener("click", () => saveTake(history.latest));
for (const format of ["mp3", "opus"]) {
  const button = element(`save-${format}`);
  button.addEventListener("click", () => saveAs(format, button));
}
element("voice-remove").addEventListener("click", removeVoice);
element("error-close").addEventListener("click", () => showError(""));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
  player.resume(); // typing counts as a gesture: the sound device is awake before Enter
});
document.addEventListener("pointerdown", () => player.resume());
window.addEventListener("online", () => connection.connect());

// --- the server -----------------------------------------------------------------------------------------------------

// Naming the format makes the server speak at the rate this machine's sound device was opened with.
function greet() {
  const audio = { format: "pcm", sample_rate: player.sampleRate };
  connection.send({ type: "session.update", session: { audio, marks: true } });
}

function onReady() {
  if (!speaker.active) speaker.setPhase("ready");
  if (state.lost) showError("");
  state.lost = false;
  readiness.ask();
}

function onReadiness(ready, detail) {
  if (!speaker.active && ["ready", "loading"].includes(state.phase)) speaker.setPhase(ready ? "ready" : "loading");
  element("status").title = detail;
  if (ready) loadVoices();
  if (ready) clonePanel.offer();
}

function onLost(words) {
  readiness.stop();
  if (speaker.active) {
    speaker.fail(state.utterance, `The speech broke off. ${words}`); // this stays shown when the connection is back
  } else if (state.error === "" || state.lost) {
    state.lost = true;
    showError(`${words} This page tries again by itself.`);
  }
  speaker.setPhase("lost");
}

function onUnauthorized() {
  const tried = connection.key !== "";
  if (speaker.active) speaker.fail(state.utterance, "");
  showError(tried ? "The server did not accept that key." : "This server needs an API key.");
  speaker.setPhase("locked");
  keyField.ask();
}

function onRefused(words) {
  if (speaker.active) speaker.fail(state.utterance, "");
  showError(words);
  speaker.setPhase("refused");
}

function onKey(key) {
  showError("");
  speaker.setPhase("connecting");
  connection.useKey(key);
  text.focus();
}

// `wanted` finds the voice to choose, if another than before.
async function loadVoices(wanted = null) {
  try {
    const voices = await readVoices(connection.headers);
    if (voices === null) return; // the WebSocket asks for the key
    picker.fill(voices, remembered().voice ?? "");
    state.voices = voices.length;
    const found = wanted === null ? undefined : voices.find(wanted);
    if (found !== undefined) picker.take(found);
    clonePanel.chose(picker.chosen);
    show();
  } catch (error) {
    showError(`The list of voices could not be read (${error.message}); the default voice still works.`);
  }
}

showExamples(element("examples"), tryExample);
player.open().catch((error) => showError(error.message));
connection.connect();
show();
