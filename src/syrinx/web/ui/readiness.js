// Whether the server's default model can speak yet, asked until it can.

const EVERY_MS = 1000;

export class Readiness {
  // onstate(ready, detail) whenever that was asked and answered.
  constructor(onstate) {
    this.onstate = onstate;
    this.timer = 0;
  }

  async ask() {
    clearTimeout(this.timer);
    const { ready, detail } = await answerOf();
    if (!ready) this.timer = setTimeout(() => this.ask(), EVERY_MS);
    this.onstate(ready, detail);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

async function answerOf() {
  try {
    const answer = await fetch(new URL("readyz", document.baseURI), { cache: "no-store" });
    if (answer.status !== 503) return { ready: true, detail: "" }; // a proxy that hides it is no reason to wait
    return { ready: false, detail: (await answer.json()).detail ?? "" };
  } catch {
    return { ready: true, detail: "" }; // the connection tells what is wrong
  }
}
