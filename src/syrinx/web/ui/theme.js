// Light, dark, or as the system has it. A plain script in the head, so that the page never flashes in the wrong colours.

(() => {
  const KEY = "syrinx.theme";
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  function apply(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
  }

  function stored() {
    try {
      const theme = localStorage.getItem(KEY);
      return THEMES.includes(theme) ? theme : "system";
    } catch {
      return "system"; // storage is forbidden here
    }
  }

  function store(theme) {
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // it holds until the page is closed
    }
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("theme");
    choice.value = stored();
    choice.addEventListener("change", () => {
      apply(choice.value);
      store(choice.value);
    });
  });
})();
