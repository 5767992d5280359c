// Making a voice of a recording, and removing one: shown where the server's model can.

import { clipOf, Microphone } from "../sound/clip.js";
import { failureOf } from "../speech/refusals.js";

const CONSENT = "Confirmed on the page: the speaker is the one who made this voice, or has agreed to it.";
const element = (id) => document.getElementById(id);
const at = (path) => new URL(path, document.baseURI);

export class ClonePanel {
  // connection: for its headers. onmade(voiceId) and onremoved() once the server's list has changed.
  constructor(connection, { onmade, onremoved }) {
    Object.assign(this, { connection, onmade, onremoved });
    this.clip = null;
    this.microphone = new Microphone((blob) => this.use(blob));
    element("clone-record").addEventListener("click", () => this.record());
    element("clone-file").addEventListener("change", ({ target }) => target.files[0] && this.use(target.files[0]));
    element("clone-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.make();
    });
  }

  // Ask the server whether its model clones, and show the panel if so.
  async offer() {
    try {
      const answer = await fetch(at("v1/health"), { headers: this.connection.headers });
      element("clone").hidden = !(answer.ok && (await answer.json()).capabilities?.supports_voice_clone === true);
    } catch {
      element("clone").hidden = true; // a server that has no such route
    }
  }

  // A voice was chosen: one that is someone's own can be removed.
  chose(voice) {
    element("voice-remove").hidden = !voice.cloned;
  }

  async remove(voice) {
    if (!confirm(`Remove the voice “${voice.name}” and its recording from the server?`)) return;
    const answer = await fetch(at(`v1/voices/${encodeURIComponent(voice.id)}`), {
      method: "DELETE",
      headers: this.connection.headers,
    });
    if (!answer.ok) throw new Error(await failureOf(answer));
    this.onremoved();
  }

  // --- the recording ------------------------------------------------------------------------------------------------

  async record() {
    if (this.microphone.recording) {
      this.microphone.stop();
      return;
    }
    try {
      await this.microphone.record();
      this.showRecording(true);
      this.say("Recording. Read something aloud for ten seconds or so.");
    } catch (error) {
      this.say(error.message);
    }
  }

  async use(blob) {
    this.showRecording(false);
    this.setClip(null);
    try {
      this.setClip(await clipOf(blob));
      this.say(`${this.clip.seconds.toFixed(1)} s of sound. Listen to it, then make the voice.`);
    } catch (error) {
      this.say(error.message);
    }
  }

  setClip(clip) {
    this.clip = clip;
    const preview = element("clone-preview");
    if (preview.src !== "") URL.revokeObjectURL(preview.src);
    preview.hidden = clip === null;
    if (clip === null) preview.removeAttribute("src");
    else preview.src = URL.createObjectURL(clip.wav);
    element("clone-make").disabled = clip === null;
  }

  showRecording(on) {
    element("clone-record").textContent = on ? "Stop recording" : "Record";
    element("clone-record").classList.toggle("on", on);
  }

  // --- the voice ----------------------------------------------------------------------------------------------------

  async make() {
    element("clone-make").disabled = true;
    this.say("Making the voice…");
    try {
      const made = await this.send(element("clone-name").value.trim());
      element("clone-form").reset();
      this.setClip(null);
      this.say(`${made.display_name} is ready and chosen.`);
      this.onmade(made.voice_id);
    } catch (error) {
      this.say(`The voice could not be made. ${error.message}`);
      element("clone-make").disabled = this.clip === null;
    }
  }

  async send(name) {
    const body = {
      display_name: name,
      consent: CONSENT,
      ref_audio: { wav_base64: await base64Of(this.clip.wav) },
    };
    const answer = await fetch(at("v1/voices/clone"), {
      method: "POST",
      headers: { ...this.connection.headers, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await failureOf(answer));
    return answer.json();
  }

  say(words) {
    element("clone-said").textContent = words;
  }
}

function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The recording could not be read."));
    reader.readAsDataURL(blob);
  });
}
