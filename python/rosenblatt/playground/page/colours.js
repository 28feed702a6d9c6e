// The colours of the pictures: the colours of the style sheet, and 256 shades from negative to positive.

const NAMES = ["panel", "ink", "faint", "line", "positive", "negative", "neutral", "focus"];

function channels(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}

function mixed(a, b, share) {
  return a.map((value, i) => Math.round(value + (b[i] - value) * share));
}

/** Read the colours of the style sheet; they change when the system switches between light and dark. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const [negative, neutral, positive] = [found.negative, found.neutral, found.positive].map(channels);
  const shades = new Uint32Array(256);
  for (let i = 0; i < 256; i += 1) {
    const t = (i - 127.5) / 127.5;
    const [r, g, b] = mixed(neutral, t < 0 ? negative : positive, Math.abs(t));
    shades[i] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0; // in the byte order of ImageData
  }
  return { ...found, shades };
}

/** The shade of a value from -1 to 1, as a CSS colour. */
export function shade(colours, value) {
  const i = Math.max(0, Math.min(255, Math.round(127.5 + 127.5 * value)));
  const packed = colours.shades[i];
  return `rgb(${packed & 255} ${(packed >> 8) & 255} ${(packed >> 16) & 255})`;
}
