// What is remembered between visits on this machine: voice and delivery. Never a key, never a text.

const KEY = "syrinx.page";

export function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return typeof kept === "object" && kept !== null ? kept : {};
  } catch {
    return {}; // nothing there, not ours, or storage is forbidden
  }
}

export function remember(changes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), ...changes }));
  } catch {
    // it holds until the page is closed
  }
}
