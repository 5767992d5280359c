// The unmodified OpenAI SDK for JavaScript: npm install openai, then node examples/openai_node.mjs [http://127.0.0.1:8000]
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import OpenAI from "openai";

const url = process.argv[2] ?? "http://127.0.0.1:8000";
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any key will do on a server without one" });

const askedAt = performance.now();
const response = await client.audio.speech.create({
  model: "tts-1",
  voice: "alloy",
  input: "The first words are heard while the last ones are still being made.",
  response_format: "mp3",
});

const file = createWriteStream("openai_node.mp3");
let firstAfter;
let size = 0;
for await (const piece of response.body) {
  firstAfter ??= performance.now() - askedAt;
  size += piece.length;
  file.write(piece);
}
await finished(file.end());
console.log(`first audio after ${firstAfter.toFixed(0)} ms; ${size} bytes in openai_node.mp3`);
