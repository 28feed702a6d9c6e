// The explanation of a weight or a bias: the form that requests it, and the steps of the chain rule.

import { typeset } from "./typeset.js";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The name of a weight or a bias in the lecture's notation, as an element. */
export function nameOf({ kind, layer, to, from }) {
  const made = element("span", "formula", kind === "weight" ? "W" : "b");
  const comma = to > 8 || from > 8 ? "," : "";
  made.append(element("sub", "", kind === "weight" ? `${to + 1}${comma}${from + 1}` : `${to + 1}`));
  made.append(element("sup", "", `(${layer + 1})`));
  return made;
}

/** The weight or bias in the form of a request, counted from 1. */
export function asked({ kind, layer, to, from }) {
  return kind === "weight" ? { weight: [layer + 1, to + 1, from + 1] } : { bias: [layer + 1, to + 1] };
}

/** The weight or bias next to the chosen one, or the first weight if none is chosen; indices stop at their limits. */
export function beside(chosen, sizes, key, isShifted) {
  if (chosen === null) return { kind: "weight", layer: 0, to: 0, from: 0 };
  const bounded = (value, count) => Math.max(0, Math.min(count - 1, value));
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
  const next = { from: 0, ...chosen };
  if (key === "ArrowLeft" || key === "ArrowRight") next.layer += by;
  else if (isShifted) next.from += by;
  else next.to += by;
  next.layer = bounded(next.layer, sizes.length - 1);
  next.to = bounded(next.to, sizes[next.layer + 1]);
  next.from = bounded(next.from, sizes[next.layer]);
  return next;
}

export class ExplainForm {
  /** `ask` is called with the weight or bias to explain, counted from 0. */
  constructor(ask) {
    this.form = document.getElementById("explain");
    this.field = (name) => document.getElementById(name);
    this.field("kind").addEventListener("change", () => this.enable());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [layer, to, from] = ["layer", "to", "from"].map((name) => Number(this.field(name).value) - 1);
      ask({ kind: this.field("kind").value, layer, to, from });
    });
    this.form.addEventListener("input", () => this.bound());
  }

  setSizes(sizes) {
    this.sizes = sizes;
    this.bound();
  }

  /** Limit the indices to those that exist. */
  bound() {
    const bounded = (name, most) => {
      this.field(name).max = most;
      if (Number(this.field(name).value) > most) this.field(name).value = most;
    };
    bounded("layer", this.sizes.length - 1);
    const layer = Number(this.field("layer").value) || 1;
    bounded("to", this.sizes[layer]);
    bounded("from", this.sizes[layer - 1]);
  }

  enable() {
    this.field("from").disabled = this.field("kind").value === "bias";
  }

  show({ kind, layer, to, from }) {
    this.field("kind").value = kind;
    this.field("layer").value = layer + 1;
    this.field("to").value = to + 1;
    if (kind === "weight") this.field("from").value = from + 1;
    this.enable();
    this.bound();
  }
}

function line(className, before, text) {
  const made = element("div", className, before);
  made.append(...typeset(text));
  return made;
}

/** Put the steps of an explanation into `place`. */
export function showExplanation(place, chosen, found, epsilon) {
  const title = element("p");
  title.append(`How the cost C of sample ${found.index + 1} changes with `, nameOf(chosen), ":");
  const list = element("ol");
  for (const step of found.steps) {
    const item = element("li");
    item.append(line("formula", "", step.formula));
    if (!/^\(?[-−\d.e+…]+\)?$/.test(step.numbers)) item.append(line("value", "= ", step.numbers));
    item.append(line("value", "= ", step.value));
    list.append(item);
  }
  place.replaceChildren(title, list, numbersOf(found, epsilon));
}

/** The shortest text that identifies the number exactly. */
function exact(value) {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
}

function numbersOf(found, epsilon) {
  const table = element("table");
  const row = (name, value, id) => {
    const line = element("tr");
    const cell = element("td", "", value);
    if (id) cell.id = id;
    line.append(element("th", "", name), cell);
    table.append(line);
  };
  row("from these steps", exact(found.value), "explained-value");
  row("from net.gradients", exact(found.gradients), "explained-gradients");
  row("the two are", found.value === found.gradients ? "identical" : "different");
  row("current value", found.now.toPrecision(8));
  row(`after one step, w − ${epsilon} dC/dw`, (found.now - epsilon * found.value).toPrecision(8));
  return table;
}
