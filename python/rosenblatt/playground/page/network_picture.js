// The picture of the network: units with their maps, edges with their weights, and the search for what the pointer is on.

import { Shaded, fit } from "./canvas.js";
import { shade } from "./colours.js";

const MOST_EDGES = 600; // per layer; more cannot be told apart
const MOST_OF_ALL = 1800; // for all layers; more take longer to draw than one frame
const MANY = 60; // edges between two layers; more are drawn thinner
const TOP = 30; // top of the units, below the names of the layers
const NEAR = 7; // distance at which a click still selects an edge, in CSS pixels
const SMALLEST = 7; // size of a unit if a column has 64
const TALLEST = 560; // height of a column

/** The number of edges drawn per layer. */
export function mostEdges(sizes) {
  return Math.min(MOST_EDGES, Math.floor(MOST_OF_ALL / (sizes.length - 1)));
}

/** The layout for layers of `sizes` units in a picture `width` wide: columns of {x, size, units: [y]}. */
export function layout(sizes, width, isImage) {
  const step = width / sizes.length;
  const columns = sizes.map((count, layer) => {
    const x = step * (layer + 0.5);
    if (layer === 0 && isImage) return imageColumn(x, step);
    const room = TALLEST / count;
    const size = Math.max(SMALLEST, Math.min(46, step * 0.56, room * 0.8));
    return { x, size, gap: Math.max(2, Math.min(14, size * 0.32, room * 0.2)), count };
  });
  const height = Math.max(190, ...columns.map((column) => tallness(column)));
  for (const column of columns) {
    const start = TOP + (height - tallness(column)) / 2;
    if (column.image) {
      column.top = start;
      column.units = Array.from({ length: 64 }, (_, i) => start + (Math.floor(i / 8) + ((i % 8) + 0.5) / 8) * (column.size / 8));
    } else {
      column.units = Array.from({ length: column.count }, (_, j) => start + column.size / 2 + j * (column.size + column.gap));
    }
  }
  return { columns, height: TOP + height + 8, isImage };
}

function imageColumn(x, step) {
  return { x, size: Math.max(30, Math.min(128, step * 0.8)), gap: 0, count: 64, image: true };
}

function tallness(column) {
  return column.image ? column.size : column.count * (column.size + column.gap) - column.gap;
}

export class NetworkPicture {
  constructor(canvas) {
    this.canvas = canvas;
    this.maps = new Shaded();
    this.surface = new Shaded();
    this.images = new Shaded();
    this.inputs = [new Shaded(), new Shaded()];
  }

  /** Draw a frame. `shown`: {sizes, layers, activations, maps, surface, map, surfaceSide, isImage, chosen}. */
  draw(shown, colours) {
    const width = this.canvas.clientWidth;
    this.place = layout(shown.sizes, width, shown.isImage);
    this.canvas.style.height = `${this.place.height}px`;
    const { context } = fit(this.canvas, this.place.height);
    this.drawNames(context, shown, colours);
    this.drawn = shown.layers.map((layer, l) => this.drawEdges(context, layer, l, mostEdges(shown.sizes), colours));
    this.drawChosen(context, shown, colours);
    this.prepare(shown, colours);
    this.place.columns.forEach((column, l) => {
      if (column.image) this.drawImage(context, column, shown, colours);
      else column.units.forEach((y, j) => this.drawUnit(context, { column, l, j, y }, shown, colours));
    });
  }

  drawNames(context, shown, colours) {
    context.fillStyle = colours.faint;
    context.textAlign = "center";
    this.place.columns.forEach((column, l) => {
      context.font = "italic 13px system-ui, sans-serif";
      context.fillText("a", column.x - 7, 18);
      context.font = "9px system-ui, sans-serif";
      context.fillText(`(${l + 1})`, column.x + 5, 12);
    });
  }

  ends(l) {
    const [from, to] = [this.place.columns[l], this.place.columns[l + 1]];
    return { from, to, x0: from.x + from.size / 2, x1: to.x - to.size / 2 };
  }

  path(context, l, j, k) {
    const { from, to, x0, x1 } = this.ends(l);
    const middle = (x0 + x1) / 2;
    context.beginPath();
    context.moveTo(x0, from.units[k]);
    context.bezierCurveTo(middle, from.units[k], middle, to.units[j], x1, to.units[j]);
  }

  /** Draw the largest weights of a layer, the smaller ones first; return their indices in W. */
  drawEdges(context, { W, nOut }, l, most, colours) {
    const kept = largestOf(W, most);
    const room = Math.min(1, Math.sqrt(MANY / kept.length)); // if there are many lines, they are thin
    const largest = Math.abs(W[kept[kept.length - 1]]) || 1;
    for (const i of kept) {
      const size = Math.abs(W[i]) / largest;
      context.strokeStyle = W[i] < 0 ? colours.negative : colours.positive;
      context.globalAlpha = (0.12 + 0.78 * size) * Math.sqrt(room);
      context.lineWidth = 0.5 + 4 * size * room;
      this.path(context, l, i % nOut, Math.floor(i / nOut));
      context.stroke();
    }
    context.globalAlpha = 1;
    return kept;
  }

  drawChosen(context, { chosen, layers }, colours) {
    if (!chosen || chosen.kind !== "weight") return;
    const { W, nOut } = layers[chosen.layer];
    const w = W[chosen.from * nOut + chosen.to];
    for (const [colour, more] of [[colours.focus, 7], [colours.panel, 3.5], [w < 0 ? colours.negative : colours.positive, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = more;
      this.path(context, chosen.layer, chosen.to, chosen.from);
      context.stroke();
    }
  }

  /** Paint the maps of all units, or the weight images of the first hidden layer. */
  prepare(shown, colours) {
    if (!shown.isImage) {
      this.maps.set(shown.maps, shown.map, colours);
      this.surface.set(shown.surface, shown.surfaceSide, colours);
      const ramp = Uint8Array.from({ length: 16 }, (_, i) => Math.round((i / 15) * 255));
      this.inputs[0].set(ramp, 16, colours);
      this.inputs[1].set(ramp.slice().reverse(), 1, colours);
      return;
    }
    const { W, nIn, nOut } = shown.layers[0];
    const levels = new Uint8Array(nIn * nOut);
    for (let j = 0; j < nOut; j += 1) {
      let largest = 1e-12;
      for (let k = 0; k < nIn; k += 1) largest = Math.max(largest, Math.abs(W[k * nOut + j]));
      for (let k = 0; k < nIn; k += 1) levels[j * nIn + k] = Math.round(127.5 + (127.5 * W[k * nOut + j]) / largest);
    }
    this.images.set(levels, 8, colours);
  }

  drawUnit(context, unit, shown, colours) {
    const { column, l, j, y } = unit;
    const { size } = column;
    const [left, top] = [column.x - size / 2, y - size / 2];
    context.save();
    context.beginPath();
    context.roundRect(left, top, size, size, Math.min(7, size / 4));
    context.save();
    context.clip();
    this.fillUnit(context, unit, shown, colours, left, top);
    context.restore();
    const isChosen = shown.chosen?.kind === "bias" && shown.chosen.layer + 1 === l && shown.chosen.to === j;
    context.strokeStyle = isChosen ? colours.focus : colours.faint;
    context.lineWidth = isChosen ? 4 : 1;
    context.stroke();
    context.restore();
    this.nameUnit(context, unit, shown, colours);
  }

  fillUnit(context, { column, l, j }, shown, colours, left, top) {
    const { size } = column;
    const last = shown.sizes.length - 1;
    context.imageSmoothingEnabled = !shown.isImage;
    if (shown.isImage && l === 1 && l < last) {
      context.drawImage(this.images.canvas, 0, j * 8, 8, 8, left, top, size, size);
    } else if (shown.isImage) {
      const a = shown.activations[l];
      const largest = l === last ? 1 : Math.max(1e-12, ...a.map(Math.abs));
      context.fillStyle = shade(colours, a[j] / largest);
      context.fillRect(left, top, size, size);
    } else if (l === 0) {
      context.drawImage(this.inputs[j].canvas, left, top, size, size);
    } else if (l === last) {
      context.drawImage(this.surface.canvas, left, top, size, size);
    } else {
      const before = shown.sizes.slice(1, l).reduce((sum, count) => sum + count, 0);
      const m = shown.map;
      context.drawImage(this.maps.canvas, 0, (before + j) * m, m, m, left, top, size, size);
    }
  }

  nameUnit(context, { column, l, j, y }, shown, colours) {
    const isOutputDigit = shown.isImage && l === shown.sizes.length - 1;
    const isInput = !shown.isImage && l === 0;
    if (!isOutputDigit && !isInput) return;
    context.fillStyle = colours.ink;
    context.font = `${Math.max(10, Math.min(13, column.size * 0.6))}px system-ui, sans-serif`;
    context.textAlign = isInput ? "right" : "left";
    const x = isInput ? column.x - column.size / 2 - 4 : column.x + column.size / 2 + 5;
    context.fillText(isInput ? ["x₁", "x₂"][j] : String(j), x, y + 4);
  }

  drawImage(context, column, { activations }, colours) {
    const side = column.size / 8;
    for (let i = 0; i < 64; i += 1) {
      context.fillStyle = shade(colours, activations[0][i]);
      context.fillRect(column.x - column.size / 2 + (i % 8) * side, column.top + Math.floor(i / 8) * side, side + 0.5, side + 0.5);
    }
    context.strokeStyle = colours.faint;
    context.lineWidth = 1;
    context.strokeRect(column.x - column.size / 2, column.top, column.size, column.size);
  }

  /** The weight or bias at a place: {kind: "bias", layer, to}, {kind: "weight", layer, to, from}, or null. */
  at({ x, y }, layers) {
    for (let l = 1; l < this.place.columns.length; l += 1) {
      const { x: middle, size, units } = this.place.columns[l];
      const to = units.findIndex((unit) => Math.abs(unit - y) <= size / 2 && Math.abs(middle - x) <= size / 2);
      if (to >= 0) return { kind: "bias", layer: l - 1, to };
    }
    for (let l = 0; l < layers.length; l += 1) {
      const { x0, x1 } = this.ends(l);
      if (x > x0 && x < x1) return this.nearest(l, (x - x0) / (x1 - x0), y, layers[l].nOut);
    }
    return null;
  }

  /** The drawn edge of layer l that is nearest to the height y at the fraction `share` of the way. */
  nearest(l, share, y, nOut) {
    const { from, to } = this.ends(l);
    const t = parameterAt(share);
    const rise = 3 * t * t - 2 * t * t * t;
    let [best, distance] = [null, NEAR];
    for (const i of this.drawn[l]) {
      const [j, k] = [i % nOut, Math.floor(i / nOut)];
      const off = Math.abs(from.units[k] + (to.units[j] - from.units[k]) * rise - y);
      if (off <= distance) [best, distance] = [{ kind: "weight", layer: l, to: j, from: k }, off];
    }
    return best;
  }
}

/** The indices of the `most` largest weights, the smallest of them first. */
function largestOf(W, most) {
  const sizes = W.map(Math.abs);
  const least = W.length > most ? sizes.slice().sort()[W.length - most] : 0;
  const kept = [];
  for (let i = 0; i < W.length; i += 1) if (sizes[i] >= least) kept.push(i);
  return kept.sort((a, b) => sizes[a] - sizes[b]);
}

/** The parameter t of an edge's curve at which x(t) = 1.5 t - 1.5 t^2 + t^3 equals `share`. */
function parameterAt(share) {
  let [low, high] = [0, 1];
  for (let i = 0; i < 24; i += 1) {
    const t = (low + high) / 2;
    if (1.5 * t - 1.5 * t * t + t * t * t < share) low = t;
    else high = t;
  }
  return (low + high) / 2;
}
