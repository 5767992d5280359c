// The unmodified Cartesia SDK for JavaScript: speaks over HTTP and in contexts, is interrupted, and prints what it saw.
import { createRequire } from "node:module";
import net from "node:net";

// Its CommonJS build: the other one cannot load `ws`, and node 20 has no WebSocket of its own.
const { Cartesia } = createRequire(import.meta.url)("@cartesia/cartesia-js");

const url = new URL(process.argv[2]);
const client = new Cartesia({ baseURL: url.origin, apiKey: "any", maxRetries: 0 });
const text = "Hello there, how are you?";
const how = {
  model_id: "sonic-3.5",
  voice: { mode: "id", id: "sine" },
  output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: 24000 },
};

async function whole(fields) {
  const answer = await client.tts.generate({ ...how, transcript: text, ...fields });
  return Buffer.from(await answer.arrayBuffer()).toString("base64");
}

async function sse() {
  const seen = [];
  for await (const event of await client.tts.generateSSE({ ...how, transcript: text, add_timestamps: true })) seen.push(event);
  return seen.map(shown);
}

const shown = ({ type, context_id, data, flush_id, word_timestamps, status_code }) => ({
  type,
  context_id,
  flush_id,
  status_code,
  bytes: data === undefined ? 0 : Buffer.from(data, "base64").length,
  words: word_timestamps?.words ?? [],
});

async function errorOf(fields) {
  try {
    await client.tts.generate({ ...how, transcript: text, ...fields });
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.error.error_code };
  }
}

// The SDK insists on wss; a plain TCP connection below it makes that ws.
const socket = await client.tts.websocket({ createConnection: () => net.connect(Number(url.port), url.hostname) });
const everything = [];
socket.on("event", (event) => everything.push(shown(event)));
socket.on("error", () => {});

async function heard(context) {
  const events = [];
  try {
    for await (const event of context.receive({ timeout: 30000 })) events.push(shown(event));
  } catch (error) {
    events.push({ thrown: error.message });
  }
  return events;
}

async function inPieces() {
  const context = socket.context({ ...how, add_timestamps: true });
  await context.push({ transcript: "Hello there, ", flush: true });
  await context.push({ transcript: "how are you?" });
  await context.no_more_inputs();
  return heard(context);
}

async function interrupted() {
  const old = socket.context({ ...how, contextId: "old", max_buffer_delay_ms: 0 });
  await old.push({ transcript: "{{long 3000}} and more." });
  let count = 0;
  for await (const event of old.receive({ timeout: 30000 })) if (event.type === "chunk" && ++count === 3) break;
  await socket.cancelContext("old");
  const fresh = socket.context({ ...how, contextId: "fresh" });
  const sent = everything.length;
  await fresh.send({ transcript: "Still here.", continue: false });
  const events = await heard(fresh);
  const after = everything.slice(sent);
  const begun = after.findIndex(({ context_id }) => context_id === "fresh");
  return { count, events, stale: after.slice(begun).filter(({ context_id }) => context_id === "old").length };
}

const bad = socket.context({ ...how, voice: { mode: "id", id: "nobody" } });
const seen = {
  wav: await whole({ output_format: { container: "wav", encoding: "pcm_f32le", sample_rate: 44100 } }),
  mp3: await whole({ output_format: { container: "mp3", sample_rate: 44100, bit_rate: 128000 } }),
  sse: await sse(),
  pieces: await inPieces(),
  interrupted: await interrupted(),
  refused: [await bad.send({ transcript: "Hello." }), await heard(bad)][1],
  badVoice: await errorOf({ voice: { mode: "id", id: "nobody" } }),
  voices: (await client.voices.list({ limit: 100 })).data.map(({ id }) => id),
  name: (await client.voices.get("deep")).gender,
};
socket.close();
console.log(JSON.stringify(seen));
