// The unmodified OpenAI SDK for JavaScript: streams speech, hangs up in mid-stream, and prints what it saw as JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "any", maxRetries: 0 });
const speak = (fields, options) =>
  client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Hello.", response_format: "pcm", ...fields }, options);

async function pieces(fields) {
  const sizes = [];
  for await (const piece of (await speak(fields)).body) sizes.push(piece.length);
  return sizes;
}

async function errorOf(fields) {
  try {
    await speak(fields);
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, param: error.param };
  }
}

async function hangUp(fields) {
  const controller = new AbortController();
  const response = await speak(fields, { signal: controller.signal });
  const reader = response.body.getReader();
  const { value } = await reader.read();
  controller.abort();
  return value.length;
}

const seen = {
  sizes: await pieces({ input: "{{long 20}}" }),
  mp3: Buffer.from(await (await speak({ input: "{{long 1}}", response_format: "mp3" })).arrayBuffer()).toString("base64"),
  badVoice: await errorOf({ voice: "nobody" }),
  empty: await errorOf({ input: " " }),
  models: (await client.models.list()).data.map((model) => model.id),
  beforeHangUp: await hangUp({ input: "{{long 3000}}" }),
};
console.log(JSON.stringify(seen));
