// Unpacking the server's arrays: base64 to bytes and floats, and theta to the W and b of each layer.

/** Base64 as a Uint8Array. */
export function bytes(text) {
  const binary = atob(text);
  const found = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) found[i] = binary.charCodeAt(i);
  return found;
}

/** Base64 of little-endian float32 as a Float32Array; all machines with browsers are little-endian. */
export function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

/**
 * The parameters of weight layer `layer`, from 0: {W, b, nIn, nOut}, views of theta.
 * W is row-major (nIn, nOut): w_jk = W[k * nOut + j].
 */
export function layersOf(theta, sizes) {
  const found = [];
  let start = 0;
  for (let layer = 0; layer + 1 < sizes.length; layer += 1) {
    const [nIn, nOut] = [sizes[layer], sizes[layer + 1]];
    const end = start + nIn * nOut;
    found.push({ W: theta.subarray(start, end), b: theta.subarray(end, end + nOut), nIn, nOut });
    start = end + nOut;
  }
  return found;
}

/** The activations of every layer, from one array of all units. */
export function activationsOf(all, sizes) {
  const found = [];
  let start = 0;
  for (const size of sizes) {
    found.push(all.subarray(start, start + size));
    start += size;
  }
  return found;
}

/** A number as text, with three or four significant digits. */
export function number(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-4) return value.toExponential(2).replace("-", "−");
  return value.toPrecision(4).replace("-", "−");
}
