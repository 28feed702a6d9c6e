// The state of the page, and the loop that updates it: request a frame, draw it, then request the next one.

import { activationsOf, floats, bytes, layersOf, number } from "./arrays.js";
import { place } from "./canvas.js";
import { palette } from "./colours.js";
import { Controls } from "./controls.js";
import { drawCurve } from "./curve_picture.js";
import { ExplainForm, asked, beside, nameOf, showExplanation } from "./explanation.js";
import { NetworkPicture, mostEdges } from "./network_picture.js";
import { showNumbers } from "./numbers.js";
import { Pad } from "./pad.js";
import { PlanePicture } from "./plane_picture.js";
import { Reading } from "./reading.js";
import { get, post } from "./server.js";

const AT_REST = 250; // ms between two requests while training is paused
const GONE = 2000; // ms between two attempts to reach the server again
const EXPLAIN_EVERY = 400; // ms between two explanations while training runs
const REDUCED_MOTION = 500; // ms between two pictures if the user prefers reduced motion

const at = (id) => document.getElementById(id);
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const wantsLessMotion = matchMedia("(prefers-reduced-motion: reduce)");

const page = {
  id: null, // of the training run
  scene: null, // the data that stay the same until the run restarts
  frame: null, // the latest numbers
  chosen: null, // the weight or bias that is explained, counted from 0
  pointedAt: null, // the weight or bias under the mouse
  isExplained: false,
  lastExplained: 0,
  isStale: true, // must be redrawn
  colours: palette(),
  frames: 0,
};
let controls;
let explainForm;
let wake = () => {};
const network = new NetworkPicture(at("network"));
const plane = new PlanePicture(at("plane"));
const pad = new Pad(at("pad"), () => {
  pad.draw(page.colours);
  reading.read();
});
const reading = new Reading(pad, classify, redraw);

// ---- actions ----

/** Run an action on the server; show the message of a refused request, or of a lost connection. */
async function wish(action) {
  try {
    await action();
    at("refusal").textContent = "";
  } catch (error) {
    if (error.status === 400) at("refusal").textContent = error.message;
    else showTrouble(error);
  }
  wake();
}

function ofTraining(name, fields) {
  return post(`trainings/${page.id}/${name}`, fields);
}

function speed() {
  const value = at("speed").value;
  return { epochs_per_second: value === "" ? null : Number(value) };
}

const isRunning = () => page.frame?.state === "running";

function runOrPause() {
  wish(() => (isRunning() ? ofTraining("pause") : ofTraining("run", speed())));
}

/** Connect a button; it ignores clicks until the previous one is answered, so that no requests queue up. */
function button(id, action) {
  let isBusy = false;
  at(id).addEventListener("click", async () => {
    if (isBusy) return;
    isBusy = true;
    await wish(action);
    isBusy = false;
  });
}

async function begin() {
  const { id } = await post("trainings", controls.read());
  page.id = id;
  page.frame = null;
}

async function lookAtScene() {
  const scene = await get(`trainings/${page.id}/scene`);
  const inPlane = scene.X_held_out !== undefined;
  const isAlike = String(scene.sizes) === String(page.scene?.sizes);
  page.scene = {
    ...scene,
    X: floats(scene.X),
    isImage: !inPlane,
    XHeldOut: inPlane ? floats(scene.X_held_out) : null,
    classesHeldOut: scene.classes_held_out,
  };
  if (!isAlike) forgetChosen();
  at("plane-panel").hidden = !inPlane;
  at("pad-panel").hidden = inPlane;
  at("index").max = scene.classes.length;
  const most = mostEdges(scene.sizes);
  at("thinned").hidden = scene.sizes.slice(1).every((size, l) => size * scene.sizes[l] <= most);
  at("thinned").textContent = `; only the ${most} largest weights of a layer are drawn`;
  if (!isAlike) reading.forget();
  explainForm.setSizes(scene.sizes);
}

function forgetChosen() {
  page.chosen = null;
  page.pointedAt = null;
  page.isExplained = false;
  at("weight").replaceChildren(" ");
  at("explained").replaceChildren(hint("The chain rule, step by step, with the numbers of the selected sample."));
}

function hint(text) {
  const made = document.createElement("p");
  made.className = "hint";
  made.textContent = text;
  return made;
}

async function change(settings) {
  await wish(async () => {
    await ofTraining("settings", settings);
    if (page.scene) page.scene.settings = settings;
  });
}

// ---- explanations ----

function choose(chosen) {
  page.chosen = chosen;
  page.isStale = true;
  if (chosen) explainForm.show(chosen);
  showReadout();
}

function valueOf({ kind, layer, to, from }) {
  const { W, b, nOut } = layersOf(page.frame.theta, page.scene.sizes)[layer];
  return kind === "weight" ? W[from * nOut + to] : b[to];
}

/** Show the value under the mouse, or else the chosen one; screen readers read it only while training is paused. */
function showReadout() {
  const shown = page.pointedAt ?? page.chosen;
  at("weight").ariaLive = isRunning() ? "off" : "polite";
  if (!shown || !page.frame) at("weight").replaceChildren(" ");
  else at("weight").replaceChildren(nameOf(shown), ` = ${number(valueOf(shown))}`);
}

/** Explain the chosen weight or bias; `isNew` if the user asked for it, not if training changed its value. */
async function explain(chosen, isNew) {
  page.lastExplained = performance.now();
  try {
    const found = await ofTraining("explain", asked(chosen));
    at("explained").ariaLive = isNew ? "polite" : "off"; // screen readers skip updates during training
    showExplanation(at("explained"), chosen, found, page.scene.settings.learning_rate);
    at("explained").dataset.version = found.version;
    page.isExplained = true;
    if (isNew) comeIntoView(at("explain-title"));
  } catch (error) {
    if (error.status === 0 || error.status === 404) showTrouble(error);
    else at("explained").replaceChildren(hint(error.message));
  }
}

/** Scroll until the element starts at the middle of the window, so that the network stays visible above it. */
function comeIntoView(element) {
  const below = element.getBoundingClientRect().top - innerHeight / 2;
  if (below > 0) scrollBy({ top: below, behavior: wantsLessMotion.matches ? "auto" : "smooth" });
}

function explainNew(chosen) {
  choose(chosen);
  return explain(chosen, true);
}

// ---- digits ----

/** Return the prediction for the strokes, or null if the data are no longer digits. */
async function classify(strokes) {
  try {
    return await ofTraining("classify", { strokes });
  } catch (error) {
    if (error.status !== 409) showTrouble(error);
    return null;
  }
}

// ---- drawing ----

function unpacked(frame) {
  const { sizes, isImage } = page.scene;
  return {
    ...frame,
    theta: floats(frame.theta),
    activations: activationsOf(floats(frame.activations), sizes),
    curve: frame.curve.map(floats),
    surface: isImage ? null : bytes(frame.surface),
    maps: isImage ? null : bytes(frame.maps),
  };
}

function draw() {
  const { scene, frame, colours, chosen } = page;
  const drawn = reading.found;
  const activations = drawn ? activationsOf(floats(drawn.activations), scene.sizes) : frame.activations;
  const layers = layersOf(frame.theta, scene.sizes);
  network.draw(
    { ...scene, surfaceSide: scene.surface, surface: frame.surface, maps: frame.maps, layers, activations, chosen },
    colours,
  );
  if (scene.isImage) pad.draw(colours);
  else plane.draw(scene, frame.surface, frame.index, colours);
  drawCurve(at("curve"), frame.curve, colours);
  showNumbers(frame, scene);
  showReadout();
  page.isStale = false;
  page.frames += 1;
  Object.assign(document.body.dataset, { frames: page.frames, version: frame.version, step: frame.step, epoch: frame.epoch, state: frame.state });
}

// ---- errors ----

function showTrouble(error) {
  if (error.status === 0) {
    at("banner").textContent = "The server is gone. Start “rosenblatt playground” again, and this page will reconnect.";
  } else if (error.status === 404) {
    page.id = null;
    at("banner").textContent = "This training run has ended, because the server was restarted or too many pages are open. Reset starts a new run.";
  } else {
    at("banner").textContent = error.message;
  }
  at("banner").hidden = false;
}

const sleep = (ms) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
const nextFrame = () => new Promise(requestAnimationFrame);

/** Request a frame and draw it; return the time until the next request, in ms. */
async function bringUpToDate() {
  const since = page.frame?.version ?? "";
  const frame = await get(`trainings/${page.id}/frame?since=${since}`);
  at("banner").hidden = true;
  if (frame.theta !== undefined) {
    if (frame.beginning !== page.scene?.beginning) await lookAtScene();
    if (frame.beginning !== page.scene.beginning) return 0; // the run restarted again in the meantime
    page.frame = unpacked(frame);
    page.isStale = true;
    afterFrame();
  }
  if (page.isStale) draw();
  if (!isRunning()) return AT_REST;
  return wantsLessMotion.matches ? REDUCED_MOTION : 0;
}

/** Update the explanation and the prediction; they take the server longer, so they are requested less often. */
function afterFrame() {
  const isDue = !isRunning() || performance.now() - page.lastExplained > EXPLAIN_EVERY;
  if (page.isExplained && isDue) explain(page.chosen, false);
  if (reading.found && !reading.isAsking) reading.read();
}

async function loop() {
  for (;;) {
    let pause = AT_REST;
    if (page.id !== null) {
      try {
        pause = await bringUpToDate();
      } catch (error) {
        if (error.status === undefined) throw error;
        showTrouble(error);
        pause = error.status === 0 ? GONE : AT_REST;
      }
    }
    if (pause > 0) await sleep(pause);
    await nextFrame();
  }
}

// ---- the keyboard and the mouse ----

function onNetworkKey(event) {
  if (!page.frame) return;
  if (event.key.startsWith("Arrow")) choose(beside(page.chosen, page.scene.sizes, event.key, event.shiftKey));
  else if (event.key === "b" || event.key === "B") choose({ from: 0, ...(page.chosen ?? { layer: 0, to: 0 }), kind: page.chosen?.kind === "bias" ? "weight" : "bias" });
  else if (event.key === "Enter" && page.chosen) explainNew(page.chosen);
  else return;
  event.preventDefault();
  draw();
}

function onSpace(event) {
  const takesIt = event.target.closest("button, input, select, textarea, a");
  if (event.key !== " " || takesIt || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  runOrPause();
}

function connect() {
  button("run", () => (isRunning() ? ofTraining("pause") : ofTraining("run", speed())));
  button("step", () => ofTraining("step"));
  button("sample", () => ofTraining("sample"));
  button("reset", async () => {
    if (page.id === null) await begin();
    else await ofTraining("reset");
  });
  at("speed").addEventListener("change", () => isRunning() && wish(() => ofTraining("run", speed())));
  at("clear").addEventListener("click", () => {
    reading.forget();
    redraw();
  });
  at("index").addEventListener("change", () => select(Number(at("index").value) - 1));
  at("plane").addEventListener("click", (event) => select(plane.nearest(place(event), page.scene.X)));
  at("network").addEventListener("click", (event) => {
    const found = network.at(place(event), layersOf(page.frame.theta, page.scene.sizes));
    if (found) explainNew(found);
    wake();
  });
  at("network").addEventListener("pointermove", (event) => {
    if (!page.frame) return;
    page.pointedAt = network.at(place(event), layersOf(page.frame.theta, page.scene.sizes));
    showReadout();
  });
  at("network").addEventListener("pointerleave", () => {
    page.pointedAt = null;
    showReadout();
  });
  at("network").addEventListener("keydown", onNetworkKey);
  document.addEventListener("keydown", onSpace);
  systemIsDark.addEventListener("change", recolour);
  new ResizeObserver(redraw).observe(document.body);
}

function select(index) {
  wish(() => ofTraining("select", { index }));
}

function redraw() {
  page.isStale = true;
  wake();
}

function recolour() {
  page.colours = palette();
  redraw();
}

async function start() {
  const choices = await get("choices");
  controls = new Controls(choices, change);
  explainForm = new ExplainForm(explainNew);
  await begin();
  connect();
  document.body.dataset.ready = "yes";
  await loop();
}

start().catch((error) => {
  if (error.status === undefined) throw error;
  showTrouble(error);
});
