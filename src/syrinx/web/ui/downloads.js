// Saving: what was heard as WAV, or a text made into a file by the server.

import { failureOf } from "../speech/refusals.js";

const NAME_CHARS = 40;

export function saveTake(take) {
  save(take.wav(), take.text, "wav");
}

// Have `text` spoken into a file of `format`, anew. Throws an Error with words for a person.
export async function saveMade(text, { model, voice, delivery }, format, headers) {
  const body = { input: text, response_format: format, service_class: "bulk", ...delivery };
  if (model !== "") body.model = model;
  if (voice !== "") body.voice = voice;
  const answer = await fetch(new URL("v1/audio/speech", document.baseURI), {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await failureOf(answer));
  save(await answer.blob(), text, format);
}

function save(blob, text, extension) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${fileName(text)}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser has begun to read it by then
}

function fileName(text) {
  const words = text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const name = words.slice(0, 8).join("-").slice(0, NAME_CHARS).replace(/-$/, "");
  return name === "" ? "speech" : name;
}
