// The server's codes in plain words; anything else shows the server's own message.

const WORDS = {
  busy: ({ retry_after_s: wait }) =>
    `The server is busy with other people's speech. Try again ${wait > 1 ? `in about ${Math.ceil(wait)} seconds` : "in a moment"}.`,
  not_ready: (refusal) => `The voice is still being made ready. ${refusal.message ?? ""}`,
  empty_text: () => "There is nothing to speak in that text.",
  too_long: ({ message }) => `${message} Speak it in parts.`,
  invalid_voice: ({ message }) => `That voice is not available. ${message ?? ""}`,
  invalid_model: ({ message }) => `That model is not available. ${message ?? ""}`,
  stream_error: ({ message }) => `The speech broke off. ${message ?? ""}`,
};

// A `response.error` message as a person would say it.
export function inWords(refusal) {
  return WORDS[refusal.code]?.(refusal) ?? refusal.message ?? `The server refused: ${refusal.code}.`;
}

// An HTTP answer that is no success, likewise.
export async function failureOf(answer) {
  if (answer.status === 401) return "The server needs another API key.";
  try {
    const { error, detail } = await answer.json();
    return error?.message ?? detail ?? `The server answered ${answer.status}.`;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}
