// The digits of examples/data as arrays: 8,000 to train with, 2,000 to test.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { tensor } from "keratin";

function read(name, header) {
  const file = new URL(`./data/${name}`, import.meta.url);
  return gunzipSync(readFileSync(file)).subarray(header);
}

export function digits() {
  const pixels = Float32Array.from(read("t10k-images-idx3-ubyte.gz", 16), (byte) => byte / 255);
  const labels = Int32Array.from(read("t10k-labels-idx1-ubyte.gz", 8));
  const split = 8000;
  const images = (from, to) =>
    tensor(pixels.subarray(from * 784, to * 784), { shape: [to - from, 28, 28, 1] });
  return {
    train: { x: images(0, split), y: tensor(labels.subarray(0, split)) },
    test: { x: images(split, 10000), y: tensor(labels.subarray(split)) },
  };
}
