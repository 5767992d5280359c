// Speed, pitch and volume.

import { remember, remembered } from "./preferences.js";

const NAMES = ["speed", "pitch", "volume"];
const element = (id) => document.getElementById(id);

export class DeliveryControls {
  // handlers: onchange(name) once a value was settled on, oninput(name) while it is moved.
  constructor({ onchange, oninput }) {
    const kept = remembered();
    for (const name of NAMES) {
      const slider = element(name);
      if (typeof kept[name] === "number") slider.value = kept[name];
      slider.addEventListener("input", () => {
        this.show(name);
        oninput(name);
      });
      slider.addEventListener("change", () => {
        remember({ [name]: Number(slider.value) });
        onchange(name);
      });
      this.show(name);
    }
    element("delivery-reset").addEventListener("click", () => this.reset(onchange));
  }

  get value() {
    return Object.fromEntries(NAMES.map((name) => [name, Number(element(name).value)]));
  }

  reset(onchange) {
    for (const name of NAMES) {
      const changed = Number(element(name).value) !== 1;
      element(name).value = 1;
      this.show(name);
      if (changed) onchange(name);
    }
    remember({ speed: 1, pitch: 1, volume: 1 });
  }

  show(name) {
    const value = Number(element(name).value);
    const words = name === "volume" ? `${Math.round(100 * value)} %` : `${value.toFixed(2)}×`;
    element(`${name}-shown`).textContent = words;
    element(name).setAttribute("aria-valuetext", words);
    element("delivery-reset").disabled = Object.values(this.value).every((each) => each === 1);
  }
}
