// The unmodified Cartesia SDK for JavaScript streams speech from Syrinx:
// npm install @cartesia/cartesia-js ws, then node examples/cartesia_node.mjs [http://127.0.0.1:8000]
import { createWriteStream } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { finished } from "node:stream/promises";

// Its CommonJS build: the other one does not find the package ws.
const { Cartesia } = createRequire(import.meta.url)("@cartesia/cartesia-js");

const url = new URL(process.argv[2] ?? "http://127.0.0.1:8000");
const client = new Cartesia({ baseURL: url.origin, apiKey: "any key will do on a server without one" });
const plain = { createConnection: () => net.connect(Number(url.port) || 80, url.hostname) }; // else it insists on TLS

const names = [];
for await (const { name } of client.voices.list()) names.push(name);
console.log(`${names.length} voices`);

const socket = await client.tts.websocket(url.protocol === "http:" ? plain : {});
const context = socket.context({
  model_id: "sonic-3", // the vendor's names mean the server's default model
  voice: "female", // a voice of the list, "female", "male", or one of the vendor's that clients name unasked
  output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: 24_000 },
  add_timestamps: true,
});

const askedAt = performance.now();
// What a language model would stream:
for (const token of "The first words are heard while the last ones are still being made.".split(" ")) {
  await context.push({ transcript: `${token} ` });
}
await context.no_more_inputs();

const file = createWriteStream("cartesia_node.pcm");
const words = [];
let firstAfter;
for await (const event of context.receive()) { // throws where an "error" comes
  if (event.type === "chunk") {
    firstAfter ??= performance.now() - askedAt;
    file.write(event.audio);
  } else if (event.type === "timestamps") {
    words.push(...event.word_timestamps.words);
  }
}
await finished(file.end());
socket.close();
const seconds = (file.bytesWritten / 2 / 24_000).toFixed(1);
console.log(`first audio after ${firstAfter.toFixed(0)} ms; ${seconds} s of audio in cartesia_node.pcm`);
console.log("heard:", words.join(" "));
