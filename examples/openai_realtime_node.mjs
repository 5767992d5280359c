// The unmodified OpenAI SDK for JavaScript on the Realtime API:
// npm install openai ws, then node examples/openai_realtime_node.mjs [http://127.0.0.1:8000]
import { writeFileSync } from "node:fs";
import net from "node:net";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";

const url = new URL(process.argv[2] ?? "http://127.0.0.1:8000");
const client = new OpenAI({ baseURL: `${url.origin}/v1`, apiKey: "any key will do on a server without one" });
const plain = { createConnection: () => net.connect(Number(url.port) || 80, url.hostname) }; // else it insists on TLS
const link = new OpenAIRealtimeWS({ model: "gpt-realtime", options: url.protocol === "http:" ? plain : {} }, client);

function ask(text) {
  const content = [{ type: "input_text", text }];
  link.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  link.send({ type: "response.create" }); // it says what the conversation has that was not spoken yet
}

async function speak(text) {
  const pieces = [];
  const keep = ({ delta }) => pieces.push(Buffer.from(delta, "base64"));
  const show = ({ delta }) => process.stdout.write(delta);
  link.on("response.output_audio.delta", keep).on("response.output_audio_transcript.delta", show);
  ask(text);
  await link.emitted("response.done"); // throws where an "error" comes instead
  link.off("response.output_audio.delta", keep).off("response.output_audio_transcript.delta", show);
  return Buffer.concat(pieces);
}

async function interrupt(text) {
  let played = 0;
  const enough = new Promise((resolve) => {
    link.on("response.output_audio.delta", ({ delta, item_id }) => {
      played += Buffer.from(delta, "base64").length;
      if (played > 2 * 2 * 24_000) resolve(item_id); // somebody listens to the first two seconds, and then has enough
    });
  });
  ask(text);
  const item_id = await enough;
  link.send({ type: "response.cancel" });
  link.send({ type: "conversation.item.truncate", item_id, content_index: 0, audio_end_ms: 2000 });
  return (await link.emitted("conversation.item.truncated")).heard;
}

await link.emitted("session.created");
link.send({ type: "session.update", session: { type: "realtime", audio: { output: { voice: "alloy" } } } });
const audio = await speak("The first words are heard while the last are made.");
writeFileSync("openai_realtime_node.pcm", audio);
console.log(`\n${(audio.length / 2 / 24_000).toFixed(1)} s of audio in openai_realtime_node.pcm`);
console.log("stopped; heard:", await interrupt("Nobody knows how long this goes on. ".repeat(50)));
link.close();
