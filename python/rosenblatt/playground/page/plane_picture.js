// The picture of the plane: the output as shades, the border between the classes, and the samples as dots.

import { Shaded, fit } from "./canvas.js";

export class PlanePicture {
  constructor(canvas) {
    this.canvas = canvas;
    this.surface = new Shaded();
  }

  /** Draw a frame. `scene`: {X, classes, XHeldOut, classesHeldOut, extent, surface}; `index` is the selected sample. */
  draw(scene, levels, index, colours) {
    this.extent = scene.extent;
    const { context, width, height } = fit(this.canvas);
    this.side = width;
    this.surface.set(levels, scene.surface, colours);
    context.globalAlpha = 0.62;
    context.imageSmoothingEnabled = true;
    context.drawImage(this.surface.canvas, 0, 0, width, height);
    context.globalAlpha = 1;
    this.drawAxes(context, colours);
    this.drawPoints(context, scene.XHeldOut, scene.classesHeldOut, colours, true);
    this.drawPoints(context, scene.X, scene.classes, colours, false);
    this.drawRing(context, scene.X, index, colours);
  }

  drawAxes(context, colours) {
    context.strokeStyle = colours.faint;
    context.globalAlpha = 0.35;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(this.side / 2, 0);
    context.lineTo(this.side / 2, this.side);
    context.moveTo(0, this.side / 2);
    context.lineTo(this.side, this.side / 2);
    context.stroke();
    context.globalAlpha = 1;
  }

  onScreen(X, i) {
    const scale = this.side / (2 * this.extent);
    return [(X[2 * i] + this.extent) * scale, (this.extent - X[2 * i + 1]) * scale];
  }

  drawPoints(context, X, classes, colours, hollow) {
    const radius = Math.max(2.2, this.side / 120);
    context.lineWidth = hollow ? 1.4 : 1;
    classes.forEach((label, i) => {
      const [x, y] = this.onScreen(X, i);
      const colour = label ? colours.positive : colours.negative;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = hollow ? colours.panel : colour;
      context.strokeStyle = hollow ? colour : colours.panel;
      context.fill();
      context.stroke();
    });
  }

  drawRing(context, X, index, colours) {
    const [x, y] = this.onScreen(X, index);
    context.strokeStyle = colours.focus;
    context.lineWidth = 3;
    context.beginPath();
    context.arc(x, y, 9, 0, 2 * Math.PI);
    context.stroke();
  }

  /** The index of the training sample nearest to a place. */
  nearest({ x, y }, X) {
    let [best, distance] = [0, Infinity];
    for (let i = 0; i < X.length / 2; i += 1) {
      const [px, py] = this.onScreen(X, i);
      const off = Math.hypot(px - x, py - y);
      if (off < distance) [best, distance] = [i, off];
    }
    return best;
  }
}
