// The unmodified ElevenLabs SDK for JavaScript streams speech from Syrinx:
// npm install @elevenlabs/elevenlabs-js, then node examples/elevenlabs_node.mjs [http://127.0.0.1:8000]
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8000";
const client = new ElevenLabsClient({ baseUrl, apiKey: "any key will do on a server without one" });
console.log(`${(await client.voices.getAll()).voices.length} voices`);

const askedAt = performance.now();
const audio = await client.textToSpeech.stream("female", { // a voice of the list, "female", "male", or the vendor's ids
  text: "The first words are heard while the last ones are still being made.",
  modelId: "eleven_flash_v2_5", // the vendor's names mean the server's default model
  outputFormat: "mp3_44100_128",
});

const file = createWriteStream("elevenlabs_node.mp3");
let firstAfter;
for await (const piece of audio) {
  firstAfter ??= performance.now() - askedAt;
  file.write(piece);
}
await finished(file.end());
console.log(`first audio after ${firstAfter.toFixed(0)} ms; ${file.bytesWritten} bytes in elevenlabs_node.mp3`);

const { alignment } = await client.textToSpeech.convertWithTimestamps("female", { text: "Every character has its time." });
const last = alignment.characters.length - 2;
console.log(`"${alignment.characters[last]}" is heard after ${alignment.characterStartTimesSeconds[last].toFixed(2)} s`);
