// Canvases in the resolution of the screen, and images of shaded squares.

/** Give a canvas the resolution of the screen; return {context, width, height} in CSS pixels. */
export function fit(canvas, height = canvas.clientHeight) {
  const width = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** An image of squares with shades 0 … 255, `width` of them in a row. */
export class Shaded {
  constructor() {
    this.canvas = document.createElement("canvas");
  }

  set(levels, width, colours) {
    const height = levels.length / width;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    if (height === 0) return;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < levels.length; i += 1) pixels[i] = colours.shades[levels[i]];
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

/** The position of a pointer event in its canvas, in CSS pixels. */
export function place(event) {
  const box = event.currentTarget.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}
