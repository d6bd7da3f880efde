import { Input, layers, Sequential } from "keratin";
import { digits } from "./digits.mjs";

const { train, test } = digits(); // 8,000 and 2,000 handwritten digits of 28x28
const model = new Sequential([
  Input({ shape: [28, 28, 1] }),
  new layers.Conv2D(16, 3, { activation: "relu" }),
  new layers.MaxPooling2D(),
  new layers.Flatten(),
  new layers.Dense(10, { activation: "softmax" }),
]);
const loss = "sparse_categorical_crossentropy";
model.compile({ optimizer: "adam", loss, metrics: ["accuracy"] });
await model.fit(train.x, train.y, { epochs: 5, batchSize: 32 });
console.log("loss, accuracy:", await model.evaluate(test.x, test.y, { verbose: 0 }));
await model.save("digits.keras");
