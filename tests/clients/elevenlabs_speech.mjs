// The unmodified ElevenLabs SDK for JavaScript: speaks, reads lists, fails, hangs up, and prints what it saw as JSON.
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

const [url, lockedUrl] = process.argv.slice(2);
const clientOf = (baseUrl) => new ElevenLabsClient({ baseUrl, apiKey: "any", maxRetries: 0 });
const client = clientOf(url);
const speech = client.textToSpeech;
const request = { text: "Hello there, how are you?", modelId: "eleven_flash_v2_5", outputFormat: "pcm_24000" };

async function sizes(pieces) {
  const found = [];
  for await (const piece of pieces) found.push(piece.length);
  return found;
}

async function bytes(pieces) {
  const found = [];
  for await (const piece of pieces) found.push(piece);
  return Buffer.concat(found).toString("base64");
}

async function timed(pieces) {
  const found = { count: 0, bytes: 0, text: "", starts: [] };
  for await (const { audioBase64, alignment } of pieces) {
    found.count += 1;
    found.bytes += Buffer.from(audioBase64, "base64").length;
    found.text += alignment?.characters.join("") ?? "";
    found.starts.push(...(alignment?.characterStartTimesSeconds ?? []));
  }
  return found;
}

async function errorOf(voice, fields, from = client) {
  try {
    await from.textToSpeech.convert(voice, { ...request, ...fields });
    return null;
  } catch (error) {
    return { kind: error.constructor.name, status: error.statusCode, detail: error.body.detail.status };
  }
}

async function hangUp() {
  const reader = (await speech.stream("sine", { ...request, text: "{{long 3000}}" })).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return value.length;
}

const seen = {
  converted: await sizes(await speech.convert("sine", request)),
  streamed: await sizes(await speech.stream("sine", { ...request, text: "{{long 20}}" })),
  mp3: await bytes(await speech.convert("sine", { text: "{{long 1}}" })),
  fast: await sizes(await speech.convert("sine", { ...request, voiceSettings: { speed: 2 } })),
  timed: await timed([await speech.convertWithTimestamps("sine", request)]),
  timedStream: await timed(await speech.streamWithTimestamps("sine", request)),
  voices: (await client.voices.getAll()).voices.map(({ voiceId }) => voiceId),
  found: (await client.voices.search({ search: "deep" })).voices.map(({ voiceId }) => voiceId),
  name: (await client.voices.get("sine")).name,
  models: (await client.models.list()).map(({ modelId }) => modelId),
  tier: (await client.user.get()).subscription.tier,
  noVoice: await errorOf("nobody", {}),
  empty: await errorOf("sine", { text: " " }),
  wrongKey: await errorOf("sine", {}, clientOf(lockedUrl)),
  beforeHangUp: await hangUp(),
};
console.log(JSON.stringify(seen));
