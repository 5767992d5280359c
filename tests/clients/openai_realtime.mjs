// The unmodified OpenAI SDK for JavaScript on the Realtime API: speaks, is interrupted, is refused, and prints what it saw.
import { readFileSync } from "node:fs";
import { once } from "node:events";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const [url, certificate] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any" });
const rt = new OpenAIRealtimeWS({ model: "gpt-realtime", options: { ca: readFileSync(certificate) } }, client);
const errors = [];
rt.on("error", (error) => errors.push(error.error ?? String(error)));

const heard = [];
const waiting = [];
rt.on("event", (event) => {
  heard.push(event);
  for (const wait of waiting.splice(0)) wait();
});

// The first event from `from` on that is wanted.
async function first(wanted, from = 0) {
  for (let i = from; ; i += 1) {
    while (i >= heard.length) await new Promise((resolve) => waiting.push(resolve));
    if (wanted(heard[i])) return heard[i];
  }
}

async function speak(text) {
  const from = heard.length;
  const content = [{ type: "input_text", text }];
  rt.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  rt.send({ type: "response.create" });
  return from;
}

const bytes = (events) =>
  events
    .filter(({ type }) => type === "response.output_audio.delta")
    .reduce((sum, { delta }) => sum + Buffer.from(delta, "base64").length, 0);

await once(rt.socket, "open");
const created = await first(({ type }) => type === "session.created");
rt.send({ type: "session.update", session: { type: "realtime", audio: { output: { voice: "sine" } } } });
const updated = await first(({ type }) => type === "session.updated");

const spokenFrom = await speak("Hello there. How are you?");
const spoken = await first(({ type }) => type === "response.done", spokenFrom);
const said = heard.slice(spokenFrom);
const item = spoken.response.output[0];
rt.send({ type: "conversation.item.truncate", item_id: item.id, content_index: 0, audio_end_ms: 500 });
const truncated = await first(({ type }) => type === "conversation.item.truncated");

const endlessFrom = await speak("{{long 3000}}");
await first(({ type }) => type === "response.output_audio.delta", endlessFrom);
rt.send({ type: "response.cancel" });
const cancelled = await first(({ type }) => type === "response.done", endlessFrom);
const afterFrom = heard.length;
rt.send({ type: "response.cancel", event_id: "late" });
await first(({ type }) => type === "error", afterFrom);

const seen = {
  model: created.session.model,
  voice: updated.session.audio.output.voice,
  types: [...new Set(said.map(({ type }) => type))],
  bytes: bytes(said),
  transcript: item.content[0].transcript,
  status: spoken.response.status,
  heard: truncated.heard,
  cancelled: [cancelled.response.status, cancelled.response.status_details.reason],
  bytesAfter: bytes(heard.slice(afterFrom)),
  errors,
};
rt.close();
await once(rt.socket, "close");
console.log(JSON.stringify(seen));
