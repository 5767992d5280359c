// Texts to try, each in a voice of its language.

const EXAMPLES = [
  { name: "Short", lang: "en", text: "Good morning. The kettle is on, and there is fresh bread on the table." },
  {
    name: "A long paragraph",
    lang: "en",
    text:
      "The lighthouse had been dark for eleven years when Ada rowed out to it with a sack of tools and a loaf of bread. " +
      "The door gave way at the third push; inside, the stairs were slippery with moss, and somewhere above her a pigeon " +
      "complained about the visit. She worked until the light failed, scraping salt from the lenses, oiling the great " +
      "brass wheel, and talking to the machine as one talks to an old horse. Towards midnight she struck a match. For a " +
      "moment nothing happened at all. Then the wheel sighed, turned, and laid a slow white arm across the sea; and from " +
      "the harbour, one after the other, the windows began to answer.",
  },
  {
    name: "Numbers and dates",
    lang: "en",
    text:
      "On 3 May 2026 at 5:45 pm, 1,284 visitors paid $12.50 each: that is $16,050, or 7.5% more than in 2025. " +
      "The 21st opened at 68°F, Dr. Lee drove 42 km in 35 min, and £3.99 bought the 2nd edition.",
  },
  { name: "Hinglish: traffic", lang: "", text: "Arre yaar, aaj traffic bahut hai, main ten minutes late ho jaunga!" },
  { name: "Hinglish: plans", lang: "", text: "Kal ki meeting cancel ho gayi, so chalo, coffee peene chalte hain." },
  { name: "हिन्दी", lang: "hi", text: "नमस्ते! आज मौसम बहुत सुहाना है, चलिए बाहर घूमने चलते हैं।" },
  { name: "Deutsch", lang: "de", text: "Guten Abend! Der Zug nach Köln fährt heute um 18:05 Uhr von Gleis 7 ab." },
  { name: "Español", lang: "es", text: "¡Qué alegría verte! Cuéntame todo desde el principio, sin prisa." },
];

// Fill `place` with a button for each. onchosen(example)
export function showExamples(place, onchosen) {
  for (const example of EXAMPLES) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.textContent = example.name;
    if (example.lang !== "") chip.lang = example.lang;
    chip.addEventListener("click", () => onchosen(example));
    place.append(chip);
  }
}
