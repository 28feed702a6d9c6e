// The numbers of a frame as text: epochs, steps, costs, the state and the selected sample.

import { number } from "./arrays.js";

const at = (id) => document.getElementById(id);

/** Write a text only if it changed, because screen readers repeat a live region that is written again. */
function set(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

export function showNumbers(frame, scene) {
  set("epoch", frame.epoch.toLocaleString("en"));
  set("steps", frame.step.toLocaleString("en"));
  set("cost", number(frame.cost));
  set("cost-held-out", number(frame.cost_held_out));
  set("accuracy", `${(100 * frame.accuracy).toFixed(1)} %`);
  set("run", frame.state === "running" ? "Pause" : "Run");
  set("status", statusOf(frame));
  if (document.activeElement !== at("index")) at("index").value = frame.index + 1;
  set("sample-text", sampleText(frame.index, scene));
}

function statusOf({ state, step, message }) {
  if (state === "running") return "Running.";
  if (state === "diverged") return `${message}. Try a smaller ε, then Reset.`;
  return step ? "Paused." : "Ready. Click Run or press Space.";
}

function sampleText(index, scene) {
  const label = scene.classes[index];
  if (scene.isImage) return `of ${scene.classes.length}: a ${label}`;
  const [x, y] = [scene.X[2 * index], scene.X[2 * index + 1]];
  return `of ${scene.classes.length}: x = (${number(x)}, ${number(y)}), class ${label}`;
}
