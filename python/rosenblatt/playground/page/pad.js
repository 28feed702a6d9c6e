// The pad on which a digit is drawn with the mouse, a finger or a pen; it reports the strokes.

import { fit, place } from "./canvas.js";

const CLOSE = 0.012; // as a fraction of the pad; points of a stroke nearer than this are left out
const MOST_POINTS = 900; // below the limit of the server

export class Pad {
  /** `changed` is called at every new position of the pen. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.isDown = false;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", () => this.end());
    canvas.addEventListener("pointercancel", () => this.end());
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.isDown = true;
    this.strokes.push([this.at(event)]);
    this.changed();
  }

  move(event) {
    if (!this.isDown) return;
    const stroke = this.strokes[this.strokes.length - 1];
    const [x, y] = this.at(event);
    const [lastX, lastY] = stroke[stroke.length - 1];
    if (Math.hypot(x - lastX, y - lastY) < CLOSE || this.count() >= MOST_POINTS) return;
    stroke.push([x, y]);
    this.changed();
  }

  end() {
    this.isDown = false;
  }

  at(event) {
    const { x, y } = place({ currentTarget: this.canvas, clientX: event.clientX, clientY: event.clientY });
    const share = (value) => Math.round(Math.max(0, Math.min(1, value / this.canvas.clientWidth)) * 1e4) / 1e4;
    return [share(x), share(y)];
  }

  count() {
    return this.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
  }

  clear() {
    this.strokes = [];
    this.isDown = false;
  }

  draw(colours) {
    const { context, width } = fit(this.canvas);
    context.strokeStyle = colours.ink;
    context.fillStyle = colours.ink;
    context.lineWidth = width / 14;
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, y * width);
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width + 0.1, stroke[0][1] * width);
      context.stroke();
    }
  }
}
