// Trains a convolutional network on handwritten digits, shows what it does,
// saves it and loads it again.
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Input, layers, ops, Sequential, saving, utils } from "keratin";
import { digits } from "./digits.mjs";

utils.setRandomSeed(7);
const { train, test } = digits();

const model = new Sequential([
  Input({ shape: [28, 28, 1] }),
  new layers.Conv2D(16, 3, { activation: "relu" }),
  new layers.MaxPooling2D(),
  new layers.Conv2D(32, 3, { activation: "relu" }),
  new layers.MaxPooling2D(),
  new layers.Flatten(),
  new layers.Dropout(0.3),
  new layers.Dense(10, { activation: "softmax" }),
]);
model.summary();
model.compile({
  optimizer: "adam",
  loss: "sparse_categorical_crossentropy",
  metrics: ["accuracy"],
});

const start = performance.now();
await model.fit(train.x, train.y, { epochs: 6, batchSize: 64, validationData: [test.x, test.y] });
const seconds = (performance.now() - start) / 1000;

const [loss, accuracy] = await model.evaluate(test.x, test.y, { verbose: 0 });
console.log(
  `\nheld-out digits: loss ${loss.toFixed(4)}, accuracy ${(100 * accuracy).toFixed(2)} %`,
);
console.log(`trained in ${seconds.toFixed(1)} s`);

// A few digits, as they look and as they are read.
const [some] = ops.split(test.x, [6], { axis: 0 });
const guesses = await ops.argmax(await model.predict(some, { verbose: 0 }), { axis: -1 }).array();
const images = await some.array();
const labels = (await test.y.array()).slice(0, 6);
const shades = " .:-=+*#%@";
console.log();
for (let row = 2; row < 26; row += 2) {
  console.log(
    images
      .map((image) =>
        image[row]
          .slice(4, 24)
          .map(([pixel]) => shades[Math.min(9, Math.floor(10 * pixel))])
          .join(""),
      )
      .join("  "),
  );
}
console.log(guesses.map((guess, i) => `read ${guess}, is ${labels[i]}`.padEnd(20)).join("  "));

const path = join(tmpdir(), `keratin-quickstart-${process.pid}.keras`);
await model.save(path);
const copy = await saving.loadModel(path);
rmSync(path);
const difference = ops.max(
  ops.absolute(
    ops.subtract(
      await model.predict(test.x, { verbose: 0 }),
      await copy.predict(test.x, { verbose: 0 }),
    ),
  ),
);
const largest = await difference.item();
console.log(`\nsaved as .keras and loaded again: predictions differ by ${largest}`);
if (!(accuracy >= 0.97) || largest !== 0) process.exitCode = 1;
