/**
 * Whole models in Keras and PyTorch, where Python has them.
 *
 * @module
 */
import { processMilliseconds } from "../measure.ts";
import { hasModules, PythonServer } from "./python-server.ts";

/** What a peer took, in milliseconds. */
export interface TrainingReply {
  /** Before any training; PyTorch starts from its own weights and gives none. */
  readonly loss?: number;
  readonly step: number;
  readonly predict: number;
  readonly predictOne: number;
  readonly first: number;
  readonly version: string;
  /** Whether this peer does not have the model. */
  readonly missing?: boolean;
}

/** What bench/epochs.ts times. */
export interface KerasPeer {
  /** Seconds of an epoch of `fit`. */
  fit(name: string, text: string): Promise<number>;
  /** Milliseconds of a process that imports the library and makes one step. */
  coldStart(): number;
}

/** One of the ways in which a peer runs. */
export interface TrainingPeer {
  readonly name: string;
  time(model: string, seconds: number): Promise<TrainingReply>;
  /** What only Keras has; null for PyTorch. */
  readonly keras: KerasPeer | null;
  close(): void;
}

interface Kind {
  readonly name: string;
  readonly python: string;
  /** What `training_server.py` is asked for. */
  readonly engine: "keras" | "torch";
  /** Keras's backend. */
  readonly backend?: "tensorflow" | "jax";
  readonly jit: boolean;
}

const keras = { python: process.env["KERATIN_PYTHON"] ?? "python3", engine: "keras" } as const;
const torch = {
  python: process.env["KERATIN_TORCH_PYTHON"] ?? "python3",
  engine: "torch",
} as const;

const kinds: readonly Kind[] = [
  { ...keras, name: "Keras on TensorFlow", backend: "tensorflow", jit: false },
  { ...keras, name: "Keras on TensorFlow, XLA", backend: "tensorflow", jit: true },
  { ...keras, name: "Keras on JAX", backend: "jax", jit: true },
  { ...torch, name: "PyTorch", jit: false },
];

function coldStartOf(
  python: string,
  jit: boolean,
  variables: Readonly<Record<string, string>>,
): number {
  const code = `
import keras, numpy as np
layers = keras.layers
model = keras.Sequential([
    keras.Input((784,)),
    layers.Dense(512, activation="relu"),
    layers.Dense(512, activation="relu"),
    layers.Dense(10),
])
model.compile(optimizer="adam", loss="mse", jit_compile=${jit ? "True" : "False"})
model.train_on_batch(np.ones((128, 784), "float32"), np.ones((128, 10), "float32"))`;
  return processMilliseconds(python, ["-c", code], { rounds: 2, env: variables });
}

/** Those that the Pythons of KERATIN_PYTHON and KERATIN_TORCH_PYTHON have; says which are missing. */
export function findTrainingPeers(): TrainingPeer[] {
  const found: TrainingPeer[] = [];
  for (const { name, python, engine, backend, jit } of kinds) {
    const modules = backend === undefined ? [engine] : [engine, backend];
    const variables = {
      TF_CPP_MIN_LOG_LEVEL: "3",
      CUDA_VISIBLE_DEVICES: "",
      ...(backend && { KERAS_BACKEND: backend }),
    };
    if (!hasModules(python, modules, variables)) {
      console.log(`${name} is skipped: ${python} does not have ${modules.join(", ")}`);
      continue;
    }
    const server = new PythonServer(python, "training_server.py", [engine], variables);
    found.push({
      name,
      time: (model, seconds) => server.ask<TrainingReply>({ model, seconds, jit }),
      close: () => server.close(),
      keras:
        engine === "torch"
          ? null
          : {
              fit: async (fit, text) =>
                (await server.ask<{ epoch: number }>({ fit, text, jit })).epoch,
              coldStart: () => coldStartOf(python, jit, variables),
            },
    });
  }
  return found;
}
