/**
 * Whole models in Keras and PyTorch, where Python has them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
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

/** One of the ways in which a peer runs. */
export interface TrainingPeer {
  readonly name: string;
  time(model: string, seconds: number): Promise<TrainingReply>;
  /** Seconds of an epoch of `fit`, as bench/epochs.ts has it; not in PyTorch. */
  readonly fit?: (name: string, text: string) => Promise<number>;
  /** Milliseconds of a process that imports the library and makes one step. */
  readonly coldStart?: () => number;
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
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 2; round++) {
    const start = performance.now();
    const env = { ...process.env, ...variables };
    const { status } = spawnSync(python, ["-c", code], { stdio: "ignore", env });
    if (status !== 0) throw new Error("the peer's process of the cold start failed");
    best = Math.min(best, performance.now() - start);
  }
  return best;
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
      ...(engine === "keras" && {
        fit: async (fit: string, text: string) =>
          (await server.ask<{ epoch: number }>({ fit, text, jit })).epoch,
        coldStart: () => coldStartOf(python, jit, variables),
      }),
    });
  }
  return found;
}
