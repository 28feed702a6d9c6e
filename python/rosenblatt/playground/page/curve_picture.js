// The picture of the cost: one curve for the training samples and one for the held-out samples.

import { fit } from "./canvas.js";
import { number } from "./arrays.js";

const LEFT = 46; // CSS pixels, for the numbers of the axis
const BOTTOM = 20;
const TOP = 8;

/** Draw the costs of epochs, arrays of the same length. */
export function drawCurve(canvas, [epochs, costs, heldOut], colours) {
  const { context, width, height } = fit(canvas);
  const highest = Math.max(1e-12, ...costs.filter(Number.isFinite), ...heldOut.filter(Number.isFinite));
  const last = Math.max(1, epochs[epochs.length - 1]);
  const x = (epoch) => LEFT + ((width - LEFT - 8) * epoch) / last;
  const y = (cost) => TOP + (height - TOP - BOTTOM) * (1 - cost / highest);
  drawAxes(context, { x, y, width, highest, last }, colours);
  drawLine(context, epochs.length, (i) => [x(epochs[i]), y(heldOut[i])], colours.positive, [5, 3]);
  drawLine(context, epochs.length, (i) => [x(epochs[i]), y(costs[i])], colours.ink, []);
}

function drawAxes(context, { x, y, width, highest, last }, colours) {
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colours.faint;
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const cost of [0, highest / 2, highest]) {
    context.beginPath();
    context.moveTo(LEFT, y(cost));
    context.lineTo(width - 8, y(cost));
    context.stroke();
    context.fillText(number(cost), LEFT - 6, y(cost) + 4);
  }
  context.textAlign = "left";
  context.fillText("0", x(0), y(0) + 15);
  context.textAlign = "right";
  context.fillText(`epoch ${last}`, x(last), y(0) + 15);
}

function drawLine(context, count, place, colour, dashes) {
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.8;
  context.setLineDash(dashes);
  context.beginPath();
  for (let i = 0; i < count; i += 1) context.lineTo(...place(i));
  context.stroke();
  context.setLineDash([]);
  if (count === 1) context.fillRect(place(0)[0] - 2, place(0)[1] - 2, 4, 4);
}
