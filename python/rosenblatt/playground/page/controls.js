// The controls of the settings: built from the choices of the server, and read back in the form that it expects.

const NAMES = { moons: "two moons", circles: "circles", spirals: "spirals", xor: "XOR", digits: "digits" };
const SELECTS = ["activation", "biases", "optimizer"];
const NUMBERS = ["noise", "learning_rate", "l2", "dropout", "batch_size", "seed"];

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export class Controls {
  /** `changed` is called with all settings after each change. */
  constructor(choices, changed) {
    this.choices = choices;
    this.changed = changed;
    this.form = document.getElementById("settings");
    this.field = (name) => document.getElementById(name);
    this.make();
    this.show(choices.settings);
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", (event) => this.onChange(event));
    this.form.addEventListener("input", () => this.showAmounts());
    this.field("add-layer").addEventListener("click", () => this.setLayers([...this.layers, 4], true));
  }

  make() {
    for (const name of this.choices.data) {
      const input = element("input", { type: "radio", name: "data", value: name });
      this.field("data").append(element("label", {}, input, element("span", { textContent: NAMES[name] })));
    }
    for (const name of SELECTS) {
      this.field(name).append(...this.choices[name].map((each) => element("option", { value: each, textContent: each })));
    }
    for (const name of ["learning_rate", "l2", "batch_size", "seed"]) this.field(name).max = this.choices.most[name];
  }

  /** Show settings without calling `changed`. */
  show(settings) {
    for (const input of this.form.elements.data) input.checked = input.value === settings.data;
    for (const name of [...SELECTS, ...NUMBERS]) this.field(name).value = settings[name];
    this.setLayers(settings.layers, false);
  }

  setLayers(layers, isChange) {
    this.layers = [...layers];
    this.field("layers").replaceChildren(...this.layers.map((units, i) => this.layerItem(units, i)));
    this.field("add-layer").disabled = this.layers.length >= this.choices.most.layers;
    this.field("dropout").disabled = this.layers.length === 0;
    if (this.layers.length === 0) this.field("dropout").value = 0;
    this.showAmounts();
    if (isChange) this.changed(this.read());
  }

  layerItem(units, i) {
    const name = `layer ${i + 2}`;
    const set = (value) => {
      const bounded = Math.max(1, Math.min(this.choices.most.units, Math.round(value) || 1));
      this.setLayers(this.layers.with(i, bounded), true);
    };
    const button = (label, text, onclick) => {
      const made = element("button", { type: "button", textContent: text, title: label, onclick });
      made.setAttribute("aria-label", label);
      return made;
    };
    const input = element("input", { type: "number", min: 1, max: this.choices.most.units, value: units });
    input.setAttribute("aria-label", `units of ${name}`);
    input.addEventListener("change", (event) => {
      event.stopPropagation();
      set(Number(input.value));
    });
    const keepFocus = (action, which) => () => {
      action();
      this.field("layers").children[i]?.querySelectorAll("button")[which]?.focus();
    };
    return element(
      "li",
      {},
      element("span", { textContent: name }),
      button(`fewer units in ${name}`, "−", keepFocus(() => set(units - 1), 0)),
      input,
      button(`more units in ${name}`, "+", keepFocus(() => set(units + 1), 1)),
      button(`remove ${name}`, "×", () => {
        this.setLayers(this.layers.toSpliced(i, 1), true);
        this.field("add-layer").focus();
      }),
    );
  }

  showAmounts() {
    this.field("noise-value").textContent = Number(this.field("noise").value).toFixed(2);
    this.field("dropout-value").textContent = Number(this.field("dropout").value).toFixed(2);
  }

  onChange(event) {
    if (event.target.name === "data") this.show({ ...this.read(), ...this.choices.proposed[event.target.value] });
    this.changed(this.read());
  }

  /** All settings in the form that the server expects; an empty number is null, which the server refuses by name. */
  read() {
    const numberOf = (name) => (this.field(name).value === "" ? null : Number(this.field(name).value));
    return {
      data: this.form.elements.data.value,
      layers: this.layers,
      ...Object.fromEntries(SELECTS.map((name) => [name, this.field(name).value])),
      ...Object.fromEntries(NUMBERS.map((name) => [name, numberOf(name)])),
    };
  }
}
