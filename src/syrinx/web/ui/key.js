// The key's field, shown when the server asks for one. The key lives in this tab's session storage and nowhere else.

const KEY = "syrinx.key";
const element = (id) => document.getElementById(id);

export const storedKey = () => sessionStorage.getItem(KEY) ?? "";

export class KeyField {
  // onkey(key) when one was entered.
  constructor(onkey) {
    this.onkey = onkey;
    element("key-row").addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  ask() {
    element("key-row").hidden = false;
    element("key").focus();
  }

  save() {
    const key = element("key").value.trim();
    if (key === "") return;
    sessionStorage.setItem(KEY, key);
    element("key").value = "";
    element("key-row").hidden = true;
    this.onkey(key);
  }
}
