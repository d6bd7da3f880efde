// A layer of one's own in a model that learns the distance from the origin.
import { Input, Layer, layers, Model, ops, random, saving, utils } from "keratin";

/** Learned centres; the output is the distance to each. */
class Distances extends Layer {
  constructor(count, options = {}) {
    super(options);
    this.count = count;
  }

  build([, size]) {
    this.centres = this.addWeight({
      name: "centres",
      shape: [this.count, size],
      initializer: "random_normal",
    });
    super.build([null, size]);
  }

  call(x) {
    const difference = ops.subtract(ops.expandDims(x, 1), this.centres);
    return ops.sqrt(ops.add(ops.sum(ops.square(difference), { axis: -1 }), 1e-6));
  }

  getConfig() {
    return { ...super.getConfig(), count: this.count };
  }

  static fromConfig({ count, ...options }) {
    return new Distances(count, options);
  }
}
saving.registerKerasSerializable({ package: "Example" })(Distances);

utils.setRandomSeed(1);
const x = random.normal([1024, 2], { seed: 3 });
const y = ops.sqrt(ops.sum(ops.square(x), { axis: -1, keepdims: true }));
const inputs = Input({ shape: [2] });
const outputs = new layers.Dense(1)(new Distances(4)(inputs));
const model = new Model(inputs, outputs);
model.compile({ optimizer: "adam", loss: "mse" });
const { history } = await model.fit(x, y, { epochs: 40, batchSize: 32, verbose: 0 });
console.log(`loss: ${history.loss[0].toFixed(4)} → ${history.loss.at(-1).toFixed(5)}`);
if (!(history.loss.at(-1) < 0.02)) process.exitCode = 1;
